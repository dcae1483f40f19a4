/** The log: what happened to the server, its paths and their connections. */

import { button, Choice, element, find, set_attribute, set_hidden, set_text } from './dom.js';
import { new_row, Rows } from './table.js';
import { gettext, interpolate, ngettext } from './text.js';

const COLUMNS = ['time', 'kind', 'path', 'details'];

/** Return what there is to say of an event behind its kind and path; the same as the server's first paint. */
export function describe(entry, format) {
  const who = entry.by || entry.user || entry.ip || entry.id;
  const { what, event, error, name, label, code, reason, count, duration_s, node } = entry;
  const lasted = typeof duration_s === 'number' ? format.duration(duration_s) : null;
  const parts = [who, what, event, error, name, label, code, reason, count, lasted, node];
  return parts.filter((part) => part !== null && part !== undefined && part !== '').join(', ');
}

export class Lifecycle {
  #root;
  #format;
  #kinds;
  #rows;
  #kind;
  #path;
  #pause;
  #copy;
  #none;
  #state = null;
  #shown = null; // while paused: the events as they were then

  /**
   * @param {HTMLElement} root
   * @param {Format} format
   * @param {object} kinds The names of kinds, translated.
   */
  constructor(root, format, kinds) {
    this.#root = root;
    this.#format = format;
    this.#kinds = kinds;
    const again = () => this.#render();
    this.#rows = new Rows(find(root, 'rows', 'lifecycle'), (key, entry) => this.#new_row(key, entry));
    this.#kind = new Choice(gettext('Kind of event'), gettext('All kinds'), again);
    this.#kind.offer(Object.entries(kinds));
    this.#path = new Choice(gettext('Path'), gettext('All paths'), again);
    this.#pause = button(gettext('Pause'), () => this.#toggle_pause(), { 'aria-pressed': 'false' });
    this.#copy = button(gettext('Copy'), () => this.#write_to_clipboard());
    this.#none = element('p', { class: 'tws-empty', hidden: true }, gettext('No event is like that.'));
    find(root, 'empty', 'lifecycle').after(this.#none);
    find(root, 'controls', 'lifecycle').append(this.#kind.node, this.#path.node, this.#pause, this.#copy);
  }

  show(state) {
    this.#state = state;
    this.#path.offer([...state.paths.keys()].map((path) => [path, path]));
    this.#render();
  }

  get #entries() {
    const kind = this.#kind.value;
    const path = this.#path.value;
    return (this.#shown ?? this.#state?.lifecycle ?? []).filter(
      (entry) => (!kind || entry.kind === kind) && (!path || entry.path === path),
    );
  }

  #render() {
    const entries = this.#entries;
    // The keys of another run of the server must not meet those of this one.
    this.#rows.update(entries.map((entry) => [`${this.#state?.epoch} ${entry.n}`, entry]).reverse());
    const is_empty = (this.#state?.lifecycle.length ?? 0) === 0;
    set_hidden(find(this.#root, 'empty', 'lifecycle'), !is_empty);
    set_hidden(this.#none, is_empty || entries.length > 0);
    const waiting = this.#shown === null ? 0 : (this.#state.lifecycle.at(-1)?.n ?? 0) - (this.#shown.at(-1)?.n ?? 0);
    const text = ngettext('Go on (%(count)s new one)', 'Go on (%(count)s new ones)', waiting);
    const go_on =
      waiting > 0 ? interpolate(text, { count: this.#format.number(Math.floor(waiting)) }) : gettext('Go on');
    set_text(this.#pause, this.#shown === null ? gettext('Pause') : go_on);
  }

  #new_row(key, entry) {
    const { row, cells } = new_row(key, COLUMNS, { heading: null });
    const when = new Date(entry.time * 1000);
    cells.time.append(element('time', { datetime: when.toISOString() }, this.#format.clock(entry.time)));
    set_text(cells.kind, this.#name_of(entry));
    set_text(cells.path, entry.path ?? '');
    set_text(cells.details, entry.kind === 'more' ? '' : describe(entry, this.#format));
    row.classList.add(`tws-kind-${entry.kind}`);
    return { nodes: [row], update() {} }; // what has happened does not change
  }

  #name_of({ kind, count }) {
    if (kind !== 'more') return this.#kinds[kind] ?? kind;
    return interpolate(ngettext('%(count)s more event', '%(count)s more events', count), {
      count: this.#format.number(count),
    });
  }

  #toggle_pause() {
    this.#shown = this.#shown === null ? [...this.#state.lifecycle] : null;
    set_attribute(this.#pause, 'aria-pressed', String(this.#shown !== null));
    this.#render();
  }

  async #write_to_clipboard() {
    const lines = this.#entries.map((entry) =>
      [new Date(entry.time * 1000).toISOString(), entry.kind, entry.path ?? '', describe(entry, this.#format)].join(
        '\t',
      ),
    );
    let text = gettext('Copied');
    try {
      await navigator.clipboard.writeText(lines.join('\n'));
    } catch {
      text = gettext('This browser forbids it'); // there is no clipboard on a page that came over plain HTTP
    }
    set_text(this.#copy, text);
    setTimeout(() => set_text(this.#copy, gettext('Copy')), 2000);
  }
}
