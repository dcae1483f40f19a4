/** How many nodes answered a question that was asked of all of them. */

import { set_hidden, set_text } from './dom.js';
import { interpolate, ngettext } from './text.js';

/** Say how many nodes answered; empty when all did. */
export function words_of_answers({ asked, answered } = { asked: 0, answered: 0 }) {
  if (answered >= asked) return '';
  const text = ngettext('%(answered)s of %(asked)s nodes answered.', '%(answered)s of %(asked)s nodes answered.', answered);
  return interpolate(text, { answered, asked });
}

/** Show in a place that some nodes did not answer, or nothing. */
export function show_answers(place, nodes) {
  const words = words_of_answers(nodes);
  if (words !== '') set_hidden(place, false); // first, or screen readers hear nothing of it
  set_text(place, words);
  set_hidden(place, words === '');
}

/** Add to a text that some nodes did not answer. */
export function with_answers(text, nodes) {
  return [text, words_of_answers(nodes)].filter((part) => part !== '').join(' ');
}
