/** The registered paths, each with its details in a row below it. */

import { button, element, find, set_attribute, set_hidden, set_text } from './dom.js';
import { PathDetails } from './pathdetails.js';
import { columns_of, compare, new_row, Rows, Sorting } from './table.js';
import { gettext, interpolate } from './text.js';

/** Return who may open a path, in words; the same as the server's first paint. */
export function rules_of({ permission, login_required, origins = [], require_origin } = {}) {
  const found = [];
  if (permission) found.push(interpolate(gettext('permission %(name)s'), { name: permission }));
  else if (login_required) found.push(gettext('login'));
  if (origins.length > 0) found.push(interpolate(gettext('pages of %(origins)s'), { origins: origins.join(', ') }));
  if (require_origin) found.push(gettext('browsers only'));
  return found;
}

/** Return the value at a place of a path: `errors`, `rates.events_in`. */
function value_at(path, place) {
  return place.split('.').reduce((value, key) => value?.[key], path) ?? null;
}

const TEXTS = {
  path: (path) => path.path,
  declared: (path) => path.declared || '–',
  rules: (path) => rules_of(path.rules).join(', ') || '–',
};

const CHIPS = {
  events: ({ events }) =>
    [...events.values()].map((event) => ({
      text: event.event,
      tag: event.is_async ? gettext('async') : null,
      title: event.callback,
    })),
  modules: ({ modules = [] }) => modules.map(({ kind, name }) => ({ text: name ? `${kind} ${name}` : kind })),
};

export class Paths {
  #root;
  #format;
  #tools; // what the details of a path need: actions, link, show_connections, inspect
  #body;
  #columns;
  #styles;
  #rows;
  #sorting;
  #filter;
  #order = [];
  #state = null;

  constructor(root, format, tools) {
    this.#root = root;
    this.#format = format;
    this.#tools = tools;
    this.#body = find(root, 'rows', 'paths');
    const table = this.#body.closest('table');
    this.#columns = columns_of(table);
    this.#styles = styles_of(table);
    this.#rows = new Rows(this.#body, (key) => this.#new_row(key));
    const sortable = this.#columns.filter((name) => !(name in CHIPS));
    this.#sorting = new Sorting(table, sortable, () => this.#render(true));
    this.#filter = element('input', {
      type: 'search',
      placeholder: gettext('Filter paths'),
      'aria-label': gettext('Filter paths'),
    });
    this.#filter.addEventListener('input', () => this.#render(true));
    find(root, 'controls', 'paths').append(this.#filter);
  }

  show(state) {
    this.#state = state;
    this.#render(false);
  }

  #render(is_asked) {
    if (this.#state === null) return;
    const { paths } = this.#state;
    const wanted = this.#filter.value.trim().toLowerCase();
    const found = [...paths].filter(([name]) => name.toLowerCase().includes(wanted));
    this.#rows.update(this.#ordered(found, is_asked));
    set_hidden(find(this.#root, 'empty', 'paths'), paths.size > 0);
  }

  /** Sort by the chosen column; not under the pointer or the focus, where a row that jumps is one that is missed. */
  #ordered(found, is_asked) {
    const { column, is_descending } = this.#sorting;
    if (column === null) return found;
    if (!is_asked && this.#body.matches(':hover, :focus-within')) {
      const place = new Map(this.#order.map((name, index) => [name, index]));
      return found.sort(([one], [other]) => (place.get(one) ?? Infinity) - (place.get(other) ?? Infinity) || 0);
    }
    const sorted = found.sort(
      ([, one], [, other]) =>
        compare(this.#sorted_by(one, column), this.#sorted_by(other, column), is_descending) ||
        compare(one.path, other.path, false),
    );
    this.#order = sorted.map(([name]) => name);
    return sorted;
  }

  #sorted_by(path, column) {
    return column in TEXTS ? TEXTS[column](path) : value_at(path, column);
  }

  #new_row(key) {
    const { row, cells } = new_row(key, this.#columns, { numeric: Object.keys(this.#styles) });
    const entry = { nodes: [row], update: (path) => this.#update(cells, entry, path) };
    const toggle = button('', () => this.#toggle(key, entry, toggle), {
      class: 'tws-toggle',
      'aria-expanded': 'false',
    });
    cells.path.append(toggle);
    cells.path = toggle;
    for (const name of Object.keys(CHIPS))
      if (name in cells) cells[name] = cells[name].appendChild(element('ul', { class: 'tws-chips' }));
    return entry;
  }

  #update(cells, { details }, path) {
    for (const [name, write] of Object.entries(TEXTS)) if (name in cells) set_text(cells[name], write(path));
    for (const [name, chips_of] of Object.entries(CHIPS)) if (name in cells) show_chips(cells[name], chips_of(path));
    for (const [name, style] of Object.entries(this.#styles)) {
      if (name in cells) set_text(cells[name], this.#format[style](value_at(path, name)));
    }
    details?.show(path);
  }

  #toggle(key, entry, toggle) {
    const is_open = entry.details === undefined;
    if (is_open) {
      entry.details = new PathDetails(key, this.#columns.length, this.#format, this.#tools);
      entry.nodes[0].after(entry.details.node);
      entry.nodes.push(entry.details.node);
      entry.details.show(this.#state.paths.get(key));
    } else {
      entry.nodes.pop().remove();
      entry.details = undefined;
    }
    set_attribute(toggle, 'aria-expanded', String(is_open));
    set_attribute(toggle, 'aria-controls', is_open ? entry.details.node.id : null);
  }
}

/** Read how the numbers of a table are written, from the marks in its head. */
export function styles_of(table) {
  const heads = [...table.querySelectorAll('th[data-tws-column][data-tws-style]')];
  return Object.fromEntries(heads.map(({ dataset }) => [dataset.twsColumn, dataset.twsStyle]));
}

function show_chips(list, chips) {
  // Events are registered when a server starts: nothing changes here but once in a while.
  const key = JSON.stringify(chips);
  if (list.dataset.twsKey === key) return;
  list.dataset.twsKey = key;
  list.replaceChildren(
    ...chips.map(({ text, tag, title }) => {
      const chip = element('li', { class: 'tws-chip', title }, text);
      if (tag) chip.append(' ', element('span', { class: 'tws-tag' }, tag));
      return chip;
    }),
  );
}
