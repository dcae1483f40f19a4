/** The progress bars of all paths. */

import { element, find, set_attribute, set_hidden, set_text } from './dom.js';
import { NONE } from './format.js';
import { new_row, Rows } from './table.js';
import { gettext, interpolate } from './text.js';

const COLUMNS = ['path', 'name', 'value', 'label', 'rate', 'eta_s', 'watchers'];
const NUMERIC = ['rate', 'eta_s', 'watchers'];

export class Progress {
  #root;
  #format;
  #rows;

  constructor(root, format) {
    this.#root = root;
    this.#format = format;
    this.#rows = new Rows(find(root, 'rows', 'progress'), (key) => this.#new_row(key));
  }

  show({ bars }) {
    this.#rows.update([...bars]);
    set_hidden(find(this.#root, 'empty', 'progress'), bars.size > 0);
  }

  #new_row(key) {
    const { row, cells } = new_row(key, COLUMNS, { numeric: NUMERIC });
    const progress = element('progress');
    const text = element('span', { class: 'tws-number' });
    cells.value.append(progress, ' ', text);
    const update = (bar) => {
      set_text(cells.path, bar.path);
      set_text(cells.name, bar.name || NONE);
      set_text(cells.label, bar.label ?? '');
      set_text(cells.rate, this.#format.rate(bar.rate));
      set_text(cells.eta_s, this.#format.duration(bar.eta_s));
      set_text(cells.watchers, this.#format.number(bar.watchers));
      set_text(text, this.#words(bar));
      set_attribute(progress, 'aria-label', bar.label || bar.name || bar.path);
      // A bar without a value is one that moves to and fro; min may equal max.
      const is_known = bar.max > bar.min && !bar.indeterminate;
      const is_open = !is_known && !bar.done;
      set_attribute(progress, 'max', is_open ? null : is_known ? bar.max - bar.min : 1);
      set_attribute(progress, 'value', is_open ? null : is_known ? bar.value - bar.min : 1);
    };
    return { nodes: [row], update };
  }

  #words(bar) {
    if (bar.done) return gettext('done');
    if (bar.indeterminate) return gettext('under way');
    const values = { value: this.#format.number(bar.value), max: this.#format.number(bar.max) };
    return interpolate(gettext('%(value)s of %(max)s'), values);
  }
}
