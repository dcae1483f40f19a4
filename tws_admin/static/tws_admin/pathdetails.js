/** One path in full: its events, what was refused, warned of and closed, and what can be done there. */

import { Target } from './actions.js';
import { button, element, set_hidden, set_text } from './dom.js';
import { NONE } from './format.js';
import { new_row, Rows } from './table.js';
import { gettext } from './text.js';

const EVENT_COLUMNS = ['event', 'callback', 'runs', 'calls', 'errors', 'p50_ms', 'p95_ms', 'p99_ms'];
const EVENT_NUMBERS = { calls: 'number', errors: 'number', p50_ms: 'ms', p95_ms: 'ms', p99_ms: 'ms' };
const COUNTERS = {
  peak: 'number',
  opened: 'number',
  closed: 'number',
  events_in: 'number',
  events_out: 'number',
  bytes_in: 'bytes',
  bytes_out: 'bytes',
  p50_ms: 'ms',
  p99_ms: 'ms',
};

let made = 0;

export class PathDetails {
  #format;
  #counters;
  #events;
  #tallies;

  /**
   * @param {string} path
   * @param {number} width How many columns its table has.
   * @param {Format} format
   * @param {object} tools `words`, `actions`, `show_connections(path)`, `inspect(path)`.
   */
  constructor(path, width, format, { words, actions, show_connections, inspect }) {
    made += 1;
    this.#format = format;
    const numbers = words.numbers ?? {};
    this.#counters = Object.keys(COUNTERS).map((name) => [name, element('dd', { class: 'tws-number' })]);
    const facts = element(
      'dl',
      { class: 'tws-facts' },
      ...this.#counters.map(([name, value]) =>
        element('div', { title: numbers[name]?.text }, element('dt', {}, numbers[name]?.name ?? name), value),
      ),
    );
    const table = this.#new_events(numbers);
    this.#tallies = [
      new Tally(gettext('Refused, by reason'), 'rejected_by_reason'),
      new Tally(gettext('Warnings, by code'), 'warnings_by_code'),
      new Tally(gettext('Closed, by code'), 'closed_by_code'),
      new Tally(gettext('Slow readers, by what was done'), 'slow_by_action'),
    ];
    const buttons = [
      button(gettext('Show its connections'), () => show_connections(path)),
      ...(actions.can('inspect') ? [button(gettext('Inspect its events'), () => inspect(path))] : []),
      ...actions.buttons(new Target('path', path)),
    ];
    const cell = element(
      'td',
      { colspan: width },
      facts,
      table,
      element('div', { class: 'tws-tallies' }, ...this.#tallies.map(({ node }) => node)),
      element('div', { class: 'tws-buttons' }, ...buttons),
    );
    this.node = element('tr', { class: 'tws-details', id: `tws-path-${made}` }, cell);
  }

  show(path) {
    for (const [name, node] of this.#counters) set_text(node, this.#format[COUNTERS[name]](path[name] ?? null));
    this.#events.update([...path.events]);
    for (const tally of this.#tallies) tally.show(path, this.#format);
  }

  #new_events(numbers) {
    const names = { event: gettext('Event'), callback: gettext('Callback'), runs: gettext('Runs') };
    const heads = EVENT_COLUMNS.map((name) =>
      element(
        'th',
        { scope: 'col', class: name in EVENT_NUMBERS ? 'tws-numeric' : null, title: numbers[name]?.text },
        names[name] ?? String(numbers[name]?.name ?? name),
      ),
    );
    const body = element('tbody');
    this.#events = new Rows(body, (key) => {
      const { row, cells } = new_row(key, EVENT_COLUMNS, { numeric: Object.keys(EVENT_NUMBERS) });
      const update = (event) => {
        set_text(cells.event, event.event);
        set_text(cells.callback, event.callback ?? NONE);
        set_text(cells.runs, event.is_async ? gettext('on the event loop') : gettext('in a thread'));
        for (const [name, style] of Object.entries(EVENT_NUMBERS)) {
          set_text(cells[name], this.#format[style](event[name] ?? null));
        }
      };
      return { nodes: [row], update };
    });
    const caption = element('caption', { class: 'visually-hidden' }, gettext('The events of the path'));
    const head = element('thead', {}, element('tr', {}, ...heads));
    return element('table', { class: 'tws-table' }, caption, head, body);
  }
}

/** How often something happened, by its kind. */
class Tally {
  #key;
  #rows;

  constructor(title, key) {
    this.#key = key;
    const body = element('tbody');
    const caption = element('caption', {}, title);
    this.node = element('table', { class: 'tws-tally', hidden: true }, caption, body);
    this.#rows = new Rows(body, (name) => {
      const { row, cells } = new_row(name, ['name', 'count'], { numeric: ['count'] });
      set_text(cells.name, name);
      return { nodes: [row], update: ({ count }) => set_text(cells.count, count) };
    });
  }

  show(path, format) {
    const counts = Object.entries(path[this.#key] ?? {});
    this.#rows.update(counts.map(([name, count]) => [name, { count: format.number(count) }]));
    set_hidden(this.node, counts.length === 0);
  }
}
