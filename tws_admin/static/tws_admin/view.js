/** Numbers that stay in place: the status line, the tiles, the values beside the charts. */

import { find, set_attribute, set_hidden, set_text } from './dom.js';
import { new_sparkline } from './sparkline.js';
import { gettext, interpolate } from './text.js';

const CLASSES = {
  live: 'tws-live',
  polling: 'tws-live',
  reconnecting: 'tws-waiting',
  stale: 'tws-stale',
  ended: 'tws-stale',
};

export class View {
  #root;
  #format;
  #numbers;
  #sparklines;
  #state;

  constructor(root, format) {
    this.#root = root;
    this.#format = format;
    this.#state = root.querySelector('[data-tws-state]');
    this.#numbers = [...root.querySelectorAll('[data-tws-value]')].map((node) => {
      const [section, key] = node.dataset.twsValue.split('.');
      return { node, section, key, write: format[node.dataset.twsStyle] ?? ((value) => String(value ?? '–')) };
    });
    this.#sparklines = [...root.querySelectorAll('[data-tws-spark]')].map((place) => {
      const { svg, draw } = new_sparkline(document);
      place.replaceChildren(svg);
      return { series: place.dataset.twsSpark, draw };
    });
  }

  /** Show what is known. */
  show(state) {
    for (const { node, section, key, write } of this.#numbers) set_text(node, write(state[section]?.[key] ?? null));
    for (const { series, draw } of this.#sparklines) draw(state.history.values(series));
    set_hidden(find(this.#root, 'notice', 'no-server'), true);
  }

  /**
   * Say how fresh the numbers are.
   *
   * @param {string} link A state of `Link`.
   * @param {State} state
   * @param {boolean} is_paused
   */
  show_link(link, state, is_paused) {
    set_attribute(this.#root, 'data-tws-link', link);
    for (const name of new Set(Object.values(CLASSES))) this.#state.classList.toggle(name, name === CLASSES[link]);
    if (link === 'ended') {
      this.#show_end();
      return;
    }
    const since = { time: this.#format.clock(state.time) };
    set_text(this.#state, this.#words(link, state, is_paused, since));
    const blocked = find(this.#root, 'notice', 'blocked');
    const words = gettext(
      'The WebSocket to the server is blocked, perhaps by a proxy: this page asks over HTTP every five seconds. Searching, disconnecting and sending need the WebSocket.',
    );
    set_text(blocked, link === 'polling' ? words : '');
    set_hidden(blocked, link !== 'polling');
  }

  /** Mark the chosen range of time. */
  show_range(range) {
    for (const node of this.#root.querySelectorAll('[data-tws-choose]')) {
      set_attribute(node, 'aria-current', node.dataset.twsChoose === range ? 'true' : null);
    }
  }

  #words(link, state, is_paused, since) {
    if (state.time === null) return link === 'stale' ? gettext('No server') : gettext('Connecting…');
    if (link === 'stale') return interpolate(gettext('Stale since %(time)s'), since);
    if (link === 'reconnecting') return gettext('Reconnecting…');
    if (is_paused) return gettext('Paused');
    if (state.server.state === 'stopping') return gettext('The server is stopping');
    return link === 'polling' ? gettext('Live, every 5 seconds') : gettext('Live');
  }

  #show_end() {
    if (this.#state.querySelector('a')) return;
    const link = document.createElement('a');
    link.href = this.#root.dataset.twsLoginUrl;
    link.textContent = gettext('Log in');
    this.#state.replaceChildren(gettext('Your session has ended.'), ' ', link);
  }
}
