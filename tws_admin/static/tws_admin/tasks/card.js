/** What the page shows of one run: a card, or a row of the list of tasks. */

import { set_attribute, set_hidden, set_text } from '../dom.js';
import { bar_of, duration_of, notice_of, verbs_of, words_of_count, words_of_errors, words_of_state } from './words.js';

export class Card {
  node;
  data; // its attributes data-tws-…

  #format;
  #parts = new Map(); // name → its nodes
  #buttons;
  #may_change;
  #notice = null; // the kind of what is said
  #answer = ''; // what the server said last

  /**
   * @param {HTMLElement} node `[data-tws-task]`: a card, or what stands for a run in a row of a table.
   * @param {Format} format
   */
  constructor(node, format) {
    this.node = node.closest('tr') ?? node; // the cells of a row are no children of what stands for the run
    this.data = node.dataset;
    this.#format = format;
    this.#may_change = this.data.twsMay === 'change';
    for (const part of this.node.querySelectorAll('[data-tws-part]')) {
      const name = part.dataset.twsPart;
      this.#parts.set(name, [...(this.#parts.get(name) ?? []), part]);
    }
    this.#buttons = [...this.node.querySelectorAll('button[name="verb"]')];
  }

  /** Show a row of the server; is called again as time passes. */
  show(row, now) {
    const format = this.#format;
    if (row.state !== this.data.twsState) this.#become(row.state);
    this.#write('state', words_of_state(row, now));
    this.#write('count', words_of_count(row, format));
    this.#write('rate', row.rate === null || row.ended !== null ? '' : format.rate(row.rate));
    this.#write('eta', row.eta_s === null ? '' : format.duration(row.eta_s));
    this.#write('duration', row.started === null ? '' : format.duration(duration_of(row, now)));
    this.#write('label', row.label);
    this.#write('errors', words_of_errors(row, format));
    for (const bar of this.#parts.get('bar') ?? []) show_bar(bar, row);
    this.#show_buttons(verbs_of(row));
    this.#show_notice(notice_of(row, format, now));
  }

  /** Say what the server answered, until the run has another state; nothing takes it back. */
  answer(text) {
    this.#answer = text;
    this.#say('answer', text);
  }

  /** Keep the keyboard with the card, whose button is not there any more. */
  keep_focus() {
    const places = [...this.#buttons, ...(this.#parts.get('title') ?? [])];
    places.find(({ hidden, disabled }) => !hidden && !disabled)?.focus();
  }

  #become(state) {
    for (const badge of this.#parts.get('state') ?? []) {
      badge.classList.replace(`tws-state-${this.data.twsState}`, `tws-state-${state}`);
    }
    this.data.twsState = state;
    this.#answer = '';
  }

  /** What has nothing to say is hidden with its name, if it has one: `[data-tws-field]`. */
  #write(name, text) {
    for (const part of this.#parts.get(name) ?? []) {
      set_text(part, text);
      set_hidden(part.closest('[data-tws-field]') ?? part, text === '');
    }
  }

  #show_buttons(verbs) {
    const focused = this.#buttons.find((button) => button === document.activeElement);
    for (const button of this.#buttons) set_hidden(button, !this.#may_change || !verbs.includes(button.value));
    if (focused?.hidden) this.keep_focus();
  }

  #show_notice(notice) {
    if (this.#answer) return;
    this.#say(notice?.kind ?? null, notice?.text ?? '');
  }

  #say(kind, text) {
    for (const node of this.#parts.get('notice') ?? []) {
      set_hidden(node, text === ''); // first, or screen readers hear nothing of it
      // A number that grows each second is read out once.
      set_attribute(node, 'aria-live', kind === this.#notice ? 'off' : 'polite');
      set_text(node, text);
    }
    this.#notice = kind;
  }
}

/** Show in a `<progress>` how far a run is. */
export function show_bar(node, run) {
  const bar = bar_of(run);
  set_attribute(node, 'max', bar?.max ?? null);
  set_attribute(node, 'value', bar?.value ?? null);
}
