/** Who is connected: one page of them at a time, as the server finds and sorts them. */

import { Target } from './actions.js';
import { show_answers } from './answers.js';
import { open_dialog } from './dialog.js';
import { button, Choice, element, find, set_hidden, set_text } from './dom.js';
import { NONE } from './format.js';
import { styles_of } from './paths.js';
import { columns_of, new_row, Rows, Sorting } from './table.js';
import { gettext, interpolate, ngettext } from './text.js';

const EVERY_MS = 5000;
const AT_MOST_EVERY_MS = 1000;
const TYPING_MS = 250;

export class Connections {
  #root;
  #format;
  #link;
  #actions;
  #rows;
  #sorting;
  #search;
  #path;
  #pager;
  #page = 1;
  #node = null; // id of the only node whose connections are shown; null is all
  #seen = null; // what the counters were when the rows were asked for
  #asked_at = -Infinity;
  #is_asking = false;
  #is_different = false; // what is asked for, since it was asked for
  #timer;

  constructor(root, format, { link, actions }) {
    this.#root = root;
    this.#format = format;
    this.#link = link;
    this.#actions = actions;
    const body = find(root, 'rows', 'connections');
    const table = body.closest('table');
    const columns = columns_of(table);
    const styles = styles_of(table);
    this.#rows = new Rows(body, (key) => this.#new_row(key, columns, styles));
    this.#sorting = new Sorting(table, columns, () => this.#ask_anew());
    this.#sorting.choose('connected_at', true);
    const label = gettext('Search user, address, path or id');
    this.#search = element('input', { type: 'search', placeholder: label, 'aria-label': label, maxlength: 200 });
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#ask_anew(), TYPING_MS);
    });
    this.#path = new Choice(gettext('Path'), gettext('All paths'), () => this.#ask_anew());
    find(root, 'controls', 'connections').append(this.#search, this.#path.node);
    this.#pager = new Pager((page) => this.#go(page));
    find(root, 'count', 'connections').after(this.#pager.node);
  }

  /** Ask for the rows again when there is reason to: somebody came or went, or a while has passed. */
  show({ totals, paths, node }) {
    if (node !== this.#node) {
      this.#node = node;
      this.#ask_anew();
    }
    this.#path.offer([...paths.keys()].map((path) => [path, path]));
    const now = performance.now();
    const seen = `${totals.opened} ${totals.closed}`;
    const passed = now - this.#asked_at;
    if ((seen !== this.#seen && passed >= AT_MOST_EVERY_MS) || passed >= EVERY_MS) {
      this.#seen = seen;
      this.#ask();
    }
  }

  /** Show those of one path. */
  choose(path) {
    this.#path.value = path;
    this.#search.value = '';
    this.#ask_anew();
    this.#root.querySelector('[data-tws="connections"]').scrollIntoView({ block: 'start' });
    this.#search.focus({ preventScroll: true });
  }

  #go(page) {
    this.#page = page;
    this.#ask();
  }

  #ask_anew() {
    this.#go(1);
  }

  async #ask() {
    this.#is_different = this.#is_asking;
    if (this.#is_asking || !this.#link.is_open) return;
    this.#is_asking = true;
    this.#asked_at = performance.now();
    const { column, is_descending } = this.#sorting;
    try {
      const found = await this.#link.ask('connections', {
        path: this.#path.value || null,
        node: this.#node,
        search: this.#search.value,
        sort: `${is_descending ? '-' : ''}${column}`,
        page: this.#page,
      });
      if (!this.#is_different) this.#show_found(found);
    } catch {
      // Who is shown is who was there last; the status line says how fresh the page is.
    }
    this.#is_asking = false;
    if (this.#is_different) this.#ask();
  }

  #show_found({ count, page, pages, rows, nodes }) {
    this.#page = page;
    this.#rows.update(rows.map((row) => [row.id, row]));
    const is_all = this.#search.value === '' && this.#path.value === '';
    set_hidden(find(this.#root, 'empty', 'connections'), count > 0 || !is_all);
    const node = find(this.#root, 'count', 'connections');
    set_hidden(node, count === 0 && is_all);
    const text =
      count > 0 || is_all
        ? ngettext('%(count)s connection', '%(count)s connections', count)
        : gettext('No connection is like that.');
    set_text(node, interpolate(text, { count: this.#format.number(count) }));
    this.#pager.show(page, pages);
    show_answers(find(this.#root, 'answered', 'connections'), nodes);
  }

  #new_row(key, columns, styles) {
    const { row, cells } = new_row(key, columns, { numeric: Object.keys(styles) });
    const open = button(key, () => this.#open(key), { class: 'tws-toggle', 'aria-haspopup': 'dialog' });
    cells.id.append(open);
    const update = (connection) => {
      for (const name of columns) {
        if (name === 'id') continue;
        const value = connection[name] ?? null;
        set_text(cells[name], name in styles ? this.#format[styles[name]](value) : value || NONE);
      }
    };
    return { nodes: [row], update };
  }

  async #open(id) {
    let connection;
    try {
      ({ connection } = await this.#link.ask('connection', { connection: id }));
    } catch (error) {
      open_dialog({ title: gettext('Connection'), body: [element('p', {}, error.message)] });
      return;
    }
    const facts = this.#facts(connection).map(([name, value]) =>
      element('div', {}, element('dt', {}, name), element('dd', {}, value || NONE)),
    );
    const buttons = [
      ...this.#actions.buttons(new Target('connection', id)),
      ...(connection.user_id ? this.#actions.buttons(new Target('user', connection.user_id, connection.user)) : []),
    ];
    const title = interpolate(gettext('Connection %(id)s'), { id });
    const body = [
      element('dl', { class: 'tws-sheet' }, ...facts),
      element('div', { class: 'tws-buttons' }, ...buttons),
    ];
    const { dialog } = open_dialog({ title, body });
    for (const each of buttons) each.addEventListener('click', () => dialog.close());
  }

  #facts(connection) {
    return [
      [gettext('Path'), connection.path],
      [gettext('User'), connection.user],
      [gettext('Address'), connection.ip],
      [gettext('Since'), this.#format.moment(connection.connected_at)],
      [gettext('Unsent'), this.#format.bytes(connection.unsent_bytes)],
      [gettext('Browser'), connection.agent],
      [gettext('Page of'), connection.origin],
      [gettext('Subprotocol'), connection.subprotocol],
      [gettext('Encrypted'), connection.secure ? gettext('yes') : gettext('no')],
      ...(connection.node ? [[gettext('Node'), connection.node]] : []),
    ];
  }
}

/** Goes from page to page. */
class Pager {
  #page = 1;
  #place = element('span', { class: 'tws-number' });
  #before;
  #behind;

  constructor(go) {
    this.#before = button(gettext('Previous'), () => go(this.#page - 1));
    this.#behind = button(gettext('Next'), () => go(this.#page + 1));
    const label = gettext('Pages of connections');
    this.node = element(
      'nav',
      { class: 'tws-pager', 'aria-label': label, hidden: true },
      this.#before,
      this.#place,
      this.#behind,
    );
  }

  show(page, pages) {
    this.#page = page;
    set_text(this.#place, interpolate(gettext('Page %(page)s of %(pages)s'), { page, pages }));
    this.#before.disabled = page <= 1;
    this.#behind.disabled = page >= pages;
    set_hidden(this.node, pages <= 1);
  }
}
