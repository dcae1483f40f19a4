/** The events of one path as they come by, for those who may see them; the server ends it after a while. */

import { button, element, find, set_hidden, set_text } from './dom.js';
import { NONE } from './format.js';
import { new_row, Rows } from './table.js';
import { gettext, interpolate, ngettext } from './text.js';

const SIZE = 200;
const COLUMNS = ['time', 'direction', 'connection', 'event', 'payload'];

export class Inspector {
  #format;
  #link;
  #section;
  #title;
  #status;
  #rows;
  #path = null;
  #events = []; // [key, event], the newest first
  #skipped = 0;
  #until = null;
  #made = 0;
  #here = null; // what this node is called, when there are others

  constructor(root, format, link) {
    this.#format = format;
    this.#link = link;
    this.#title = element('h2', { id: 'tws-inspector-title', tabindex: -1 });
    this.#status = element('p', { class: 'quiet' });
    const body = element('tbody', { 'data-tws-rows': 'inspector' });
    this.#rows = new Rows(body, (key, event) => this.#new_row(key, event));
    const heads = [gettext('Time'), gettext('Way'), gettext('Connection'), gettext('Event'), gettext('Data')];
    const table = element(
      'table',
      { class: 'tws-table' },
      element('caption', { class: 'visually-hidden' }, gettext('Events of the path, the newest first')),
      element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
      body,
    );
    const stop = button(gettext('Stop'), () => this.stop());
    this.#section = element(
      'section',
      { class: 'tws-section module', 'data-tws': 'inspector', 'aria-labelledby': 'tws-inspector-title', hidden: true },
      element('div', { class: 'tws-head' }, this.#title, element('div', { class: 'tws-controls' }, stop)),
      this.#status,
      element(
        'div',
        { class: 'tws-scroll tws-log', tabindex: 0, role: 'region', 'aria-labelledby': 'tws-inspector-title' },
        table,
      ),
    );
    find(root, '', 'paths').after(this.#section);
  }

  /** Events are those that come by the node to which this page is connected. */
  show({ nodes }) {
    this.#here = nodes.size > 1 ? ([...nodes.values()].find(({ here }) => here)?.name ?? null) : null;
  }

  /** Begin to show what happens on a path. */
  async inspect(path) {
    this.#path = path;
    this.#events = [];
    this.#skipped = 0;
    this.#until = null;
    set_text(this.#title, interpolate(gettext('Events of %(path)s'), { path }));
    set_hidden(this.#section, false);
    this.#section.scrollIntoView({ block: 'nearest' });
    this.#title.focus({ preventScroll: true });
    this.#render(gettext('Nothing has happened yet.'));
    try {
      this.changed(await this.#link.ask('inspect', { path }));
    } catch (error) {
      this.#path = null;
      this.#render(error.message);
    }
  }

  /** End it, and leave what was seen where it is until the next time. */
  stop() {
    if (this.#path !== null) this.#link.ask('inspect', { path: null }).catch(() => {});
    this.#path = null;
    this.#events = [];
    set_hidden(this.#section, true);
  }

  /** Take an `inspecting` of the server: it has begun, or ended. */
  changed({ path, until }) {
    this.#until = until;
    if (path === null && this.#path !== null) this.ended();
    else this.#render();
  }

  /** The server does not show it any more: the connection was lost, or it has lasted long enough. */
  ended() {
    if (this.#path === null) return;
    this.#path = null;
    this.#render(gettext('This has ended. Inspect the path again to go on.'));
  }

  /** Take what came by within a second. */
  add({ path, events, skipped }) {
    if (path !== this.#path) return;
    this.#skipped += skipped;
    for (const event of events) {
      this.#made += 1;
      this.#events.unshift([String(this.#made), event]);
    }
    this.#events.splice(SIZE);
    this.#render();
  }

  #render(message) {
    this.#rows.update(this.#events);
    set_text(this.#status, message ?? this.#words());
  }

  #words() {
    const skipped = ngettext('%(count)s more was not shown', '%(count)s more were not shown', this.#skipped);
    const parts = [interpolate(gettext('Ends at %(time)s'), { time: this.#format.clock(this.#until) })];
    if (this.#skipped > 0) parts.push(interpolate(skipped, { count: this.#format.number(this.#skipped) }));
    if (this.#here !== null) {
      parts.push(interpolate(gettext('what goes through the node %(name)s alone'), { name: this.#here }));
    }
    return parts.join(', ');
  }

  #new_row(key, event) {
    const { row, cells } = new_row(key, COLUMNS, { heading: null });
    set_text(cells.time, this.#format.clock(event.time));
    set_text(cells.direction, event.direction === 'in' ? gettext('received') : gettext('sent'));
    set_text(cells.connection, event.connection ?? (event.direction === 'out' ? gettext('all') : NONE));
    set_text(cells.event, event.event);
    cells.payload.append(element('code', {}, event.payload ?? NONE), event.truncated ? ' …' : '');
    return { nodes: [row], update() {} };
  }
}
