/** A table that follows what is known: rows are made once, and changed where something is different. */

import { element, set_attribute, set_text } from './dom.js';

const SLICE = 50; // rows that are changed in one frame: to lay out hundreds anew takes longer than it lasts

/** The rows of a table body, by key. */
export class Rows {
  #body;
  #create;
  #rows = new Map();
  #waiting = []; // rows that are still to be changed, each with what it is to show
  #is_planned = false;
  #is_adopted = false;

  /**
   * @param {HTMLElement} body Its rows of the first paint give way.
   * @param {function(string): {nodes: HTMLElement[], update: function(object): void}} create Makes the row of a key; it
   *   may have other rows behind it.
   */
  constructor(body, create) {
    this.#body = body;
    this.#create = create;
  }

  get size() {
    return this.#rows.size;
  }

  get(key) {
    return this.#rows.get(key);
  }

  /** @param {Array<[string, object]>} items Keys, with what their rows show, in the order to be shown. */
  update(items) {
    if (!this.#is_adopted) this.#body.replaceChildren();
    this.#is_adopted = true;
    const wanted = new Set(items.map(([key]) => key));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      for (const node of row.nodes) node.remove();
      this.#rows.delete(key);
    }
    this.#waiting = [];
    let next = this.#body.firstChild;
    for (const [key, item] of items) {
      const known = this.#rows.get(key);
      const row = known ?? this.#create(key, item);
      this.#rows.set(key, row);
      if (known) this.#waiting.push([row, item]);
      else row.update(item);
      for (const node of row.nodes) {
        if (node === next) next = next.nextSibling;
        else this.#body.insertBefore(node, next);
      }
    }
    this.#change_some();
  }

  #change_some() {
    for (const [row, item] of this.#waiting.splice(0, SLICE)) row.update(item);
    if (this.#waiting.length === 0 || this.#is_planned) return;
    this.#is_planned = true;
    requestAnimationFrame(() => {
      this.#is_planned = false;
      this.#change_some();
    });
  }
}

/** Make a row of cells; returns it and its cells by name. The first one is its heading, if there is one. */
export function new_row(key, columns, { numeric = [], heading = columns[0] } = {}) {
  const cells = Object.fromEntries(
    columns.map((name) => {
      const attributes = { 'data-tws-cell': name, class: numeric.includes(name) ? 'tws-numeric' : null };
      return [name, name === heading ? element('th', { scope: 'row', ...attributes }) : element('td', attributes)];
    }),
  );
  const row = element('tr', { 'data-tws-key': key }, ...columns.map((name) => cells[name]));
  return { row, cells };
}

/** The columns of a table, by the marks in its head. */
export function columns_of(table) {
  return [...table.querySelectorAll('th[data-tws-column]')].map((head) => head.dataset.twsColumn);
}

/** The headings of a table as buttons that say by what it is sorted. */
export class Sorting {
  column = null;
  is_descending = false;

  #heads;
  #on_change;

  /**
   * @param {HTMLTableElement} table
   * @param {string[]} columns Those that it can be sorted by.
   * @param {function(): void} on_change
   */
  constructor(table, columns, on_change) {
    this.#on_change = on_change;
    this.#heads = [...table.querySelectorAll('th[data-tws-column]')].filter((head) =>
      columns.includes(head.dataset.twsColumn),
    );
    for (const head of this.#heads) this.#make_button(head);
  }

  /** Sort by a column, at first with the greatest number or the first letter on top, then the other way. */
  choose(column, is_descending) {
    this.is_descending = is_descending;
    this.column = column;
    for (const head of this.#heads) {
      const direction = this.is_descending ? 'descending' : 'ascending';
      set_attribute(head, 'aria-sort', head.dataset.twsColumn === column ? direction : null);
    }
  }

  #make_button(head) {
    const button = element('button', { type: 'button', class: 'tws-sort' });
    set_text(button, head.textContent.trim());
    button.addEventListener('click', () => {
      const column = head.dataset.twsColumn;
      const is_numeric = head.classList.contains('tws-numeric');
      this.choose(column, column === this.column ? !this.is_descending : is_numeric);
      this.#on_change();
    });
    head.replaceChildren(button);
  }
}

/** Compare two values of a column; what is not known comes last. */
export function compare(one, other, is_descending) {
  const is_one = one !== null && one !== undefined;
  const is_other = other !== null && other !== undefined;
  if (!is_one || !is_other) return Number(is_other) - Number(is_one);
  const order = typeof one === 'number' ? one - other : String(one).localeCompare(String(other));
  return is_descending ? -order : order;
}
