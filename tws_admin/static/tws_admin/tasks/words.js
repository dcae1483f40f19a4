/** What a run says of itself, in the words of the server's first paint (`progress/words.py`). */

import { gettext, interpolate, ngettext } from '../text.js';

const ACTIVE = new Set(['queued', 'running', 'paused', 'cancelling']);

const WAITS_AFTER_S = 10;
const STALLED_AFTER_S = 60;
const UNANSWERED_AFTER_S = 30;

/** Whether the work of a run is not over. */
export const is_active = ({ state }) => ACTIVE.has(state);

/**
 * The state of a run in words.
 *
 * @param {object} run A row of the server.
 * @param {number} now Unix time of the server, in seconds.
 */
export function words_of_state({ state, wish, created, wished }, now) {
  if (state === 'running' && wish === 'pause') return gettext('pausing…');
  // One that is queued again was so when it had ended, or later.
  if (state === 'queued' && now - (wished ?? created) > WAITS_AFTER_S) return gettext('waits for a worker');
  const words = {
    queued: gettext('queued'),
    running: gettext('running'),
    paused: gettext('paused'),
    cancelling: gettext('cancelling…'),
    cancelled: gettext('cancelled'),
    succeeded: gettext('succeeded'),
    partial: gettext('partly succeeded'),
    failed: gettext('failed'),
    lost: gettext('lost'),
  };
  return words[state] ?? state;
}

/** How far a run is: "n of m", what there is without a total, or more than was expected. */
export function words_of_count({ done, total }, format) {
  if (total === null) return format.number(done);
  const values = { value: format.number(done), max: format.number(total) };
  const text = done > total ? gettext('%(value)s (expected %(max)s)') : gettext('%(value)s of %(max)s');
  return interpolate(text, values);
}

/** How many objects failed; empty for none. */
export function words_of_errors({ errors }, format) {
  if (!errors) return '';
  return interpolate(ngettext('%(count)s error', '%(count)s errors', errors), { count: format.number(errors) });
}

/** How many seconds the work takes, or took. */
export function duration_of(run, now) {
  return Math.max(0, (is_active(run) ? now : (run.ended ?? now)) - run.started);
}

/** What the bar shows; null while nobody knows how far the work is. */
export function bar_of(run) {
  const { state, done, total } = run;
  const is_at_work = state === 'running' || state === 'cancelling';
  if (total) return { value: Math.min(done, total), max: total };
  if (total === null && is_at_work) return null;
  return { value: state === 'succeeded' || state === 'partial' ? 1 : 0, max: 1 };
}

/**
 * What is to be said of a run that does not get on; null when there is nothing.
 *
 * @returns {{kind: string, text: string}|null} A text of a kind may change each second.
 */
export function notice_of({ state, wish, wished, progressed }, format, now) {
  const is_asked = state === 'cancelling' || (state === 'running' && wish === 'pause');
  if (is_asked) {
    const seconds = Math.floor(now - (wished ?? now));
    if (seconds <= UNANSWERED_AFTER_S) return null;
    const text = gettext('not acknowledged for %(duration)s: the work does not ask');
    return { kind: 'unanswered', text: interpolate(text, { duration: format.duration(seconds) }) };
  }
  if (state !== 'running' || progressed === null || now - progressed < STALLED_AFTER_S) return null;
  return { kind: 'stalled', text: interpolate(gettext('stalled since %(time)s'), { time: format.time(progressed) }) };
}

/** What can be asked of a run, whoever asks. */
export function verbs_of({ state, wish }) {
  const verbs = {
    queued: ['cancel'],
    running: wish ? ['resume', 'cancel'] : ['pause', 'cancel'],
    paused: ['resume', 'cancel'],
    cancelled: ['retry'],
    failed: ['retry'],
    lost: ['retry'],
    partial: ['retry_failed'],
  };
  return verbs[state] ?? [];
}
