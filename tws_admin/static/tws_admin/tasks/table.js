/** The progress tasks of the monitor: those at work, then those that ended within the hour. */

import { element, find, set_attribute, set_hidden, set_text } from '../dom.js';
import { NONE } from '../format.js';
import { new_row, Rows } from '../table.js';
import { show_bar } from './card.js';
import { is_active, notice_of, words_of_count, words_of_state } from './words.js';

const COLUMNS = ['title', 'state', 'value', 'label', 'rate', 'eta_s', 'errors', 'username'];
const NUMERIC = ['rate', 'eta_s', 'errors'];

export class TaskTable {
  #root;
  #format;
  #rows;

  constructor(root, format) {
    this.#root = root;
    this.#format = format;
    const body = find(root, 'rows', 'tasks');
    this.#rows = body && new Rows(body, (key) => this.#new_row(key));
  }

  show({ tasks, time }) {
    const runs = in_order(tasks.values());
    this.#rows?.update(runs.map((run) => [run.id, { run, time }]));
    set_hidden(find(this.#root, 'empty', 'tasks'), runs.length > 0);
  }

  #new_row(key) {
    const { row, cells } = new_row(key, COLUMNS, { numeric: NUMERIC });
    const link = element('a');
    const badge = element('span');
    const notice = element('span', { class: 'tws-notice-text' });
    const bar = element('progress');
    const count = element('span', { class: 'tws-number', dir: 'auto' });
    cells.title.append(link);
    cells.state.append(badge, ' ', notice);
    cells.value.append(bar, ' ', count);
    const format = this.#format;
    const update = ({ run, time }) => {
      set_text(link, run.title);
      set_attribute(link, 'href', run.url || null);
      set_attribute(badge, 'class', `tws-badge tws-state-${run.state}`);
      set_text(badge, words_of_state(run, time));
      set_text(notice, notice_of(run, format, time)?.text ?? '');
      set_text(count, words_of_count(run, format));
      set_attribute(bar, 'aria-label', run.title);
      show_bar(bar, run);
      set_text(cells.label, run.label);
      set_text(cells.rate, format.rate(run.ended === null ? run.rate : null));
      set_text(cells.eta_s, format.duration(run.eta_s));
      set_text(cells.errors, format.number(run.errors));
      set_text(cells.username, run.username ?? NONE);
    };
    return { nodes: [row], update };
  }
}

/** Those at work in front, in each part the newest first. */
export function in_order(runs) {
  return [...runs].sort((one, other) => is_active(other) - is_active(one) || other.created - one.created);
}
