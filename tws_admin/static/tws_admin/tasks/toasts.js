/** Notes at the foot of any page of the admin: a run of this user has ended. */

import { element } from '../dom.js';
import { gettext } from '../text.js';
import { words_of_count, words_of_errors, words_of_state } from './words.js';

const SHOWN_FOR_MS = 10_000;
const MAX = 4;

export class Toasts {
  #format;
  #region;
  #close = new Map(); // node → what closes it, the oldest first

  constructor(root, format) {
    this.#format = format;
    // There from the start: screen readers tell what is added to a region that they know.
    this.#region = element('div', { class: 'tws-toasts', role: 'status', 'aria-atomic': 'false' });
    root.append(this.#region);
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      [...this.#close.values()].at(-1)?.();
    });
  }

  /** Show how a run has ended; what went wrong stays until it is closed. */
  show(row, now) {
    const node = element(
      'div',
      { class: `tws-toast tws-toast-${row.state}`, 'data-tws-toast': row.id },
      element('a', { href: row.url || null, class: 'tws-toast-title' }, row.title),
      element('span', { class: `tws-badge tws-state-${row.state}` }, words_of_state(row, now)),
      element('span', { class: 'tws-toast-text' }, this.#words(row)),
    );
    const close = () => {
      this.#close.delete(node);
      node.remove();
    };
    const label = gettext('Close');
    const closer = element('button', { type: 'button', class: 'tws-toast-close', 'aria-label': label }, '×');
    closer.addEventListener('click', close);
    node.append(closer);
    this.#region.append(node);
    this.#close.set(node, close);
    if (this.#close.size > MAX) [...this.#close.values()][0]();
    if (row.state === 'succeeded') close_after_a_while(node, close);
  }

  #words(row) {
    return [words_of_count(row, this.#format), words_of_errors(row, this.#format)].filter(Boolean).join(', ');
  }
}

/** Wait as long as nobody points at it, and nothing in it has the focus. */
function close_after_a_while(node, close) {
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(close, SHOWN_FOR_MS);
  };
  const stay = () => clearTimeout(timer);
  for (const type of ['mouseenter', 'focusin']) node.addEventListener(type, stay);
  for (const type of ['mouseleave', 'focusout']) node.addEventListener(type, wait);
  wait();
}
