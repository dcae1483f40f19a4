/** What an operator does to others. The page asks first, and the server decides. */

import { with_answers } from './answers.js';
import { field, open_dialog } from './dialog.js';
import { button, element, find, set_hidden, set_text } from './dom.js';
import { gettext, interpolate, ngettext } from './text.js';

const SHOWN_FOR_MS = 10_000;

/** Whom something is done to: exactly one of `connection` (an id), `user` (a primary key) and `path`. */
export class Target {
  constructor(kind, value, name = value) {
    this.kind = kind;
    this.value = value;
    this.name = name;
  }

  get data() {
    return { [this.kind]: this.value };
  }

  get words() {
    const texts = {
      connection: gettext('connection %(name)s'),
      user: gettext('user %(name)s'),
      path: gettext('path %(name)s'),
    };
    return interpolate(texts[this.kind], { name: this.name });
  }
}

export class Actions {
  #root;
  #link;
  #may = [];
  #node = null; // id of the only node that is shown, and acted on; null is all
  #notice;
  #timer;

  constructor(root, link) {
    this.#root = root;
    this.#link = link;
    this.#notice = element('p', { class: 'tws-notice', role: 'status', 'data-tws-notice': 'done', hidden: true });
    find(root, '', 'status').after(this.#notice);
  }

  show({ may, node }) {
    this.#may = may;
    this.#node = node;
  }

  can(ability) {
    return this.#may.includes(ability);
  }

  /** Make the buttons for what this viewer may do to somebody; none when that is nothing. */
  buttons(target) {
    const buttons = [];
    const words = { target: target.words };
    if (this.can('send') && target.kind !== 'user') {
      const label = interpolate(gettext('Send an event to %(target)s'), words);
      buttons.push(button(gettext('Send…'), () => this.send(target), { 'aria-label': label }));
    }
    if (this.can('disconnect')) {
      const label = interpolate(gettext('Disconnect %(target)s'), words);
      const text = target.kind === 'connection' ? gettext('Disconnect…') : gettext('Disconnect all…');
      buttons.push(button(text, () => this.disconnect(target), { 'aria-label': label }));
    }
    return buttons;
  }

  async disconnect(target) {
    const reason = element('input', { type: 'text', name: 'reason', maxlength: 120, class: 'vTextField' });
    const question = element('p', { class: 'tws-question' }, gettext('Counting connections…'));
    const { submit } = open_dialog({
      title: interpolate(gettext('Disconnect %(target)s'), { target: target.words }),
      body: [
        question,
        element(
          'p',
          { class: 'help' },
          gettext('Clients of this package do not come back by themselves: the close code is 4500.'),
        ),
        field(gettext('Reason, which the clients are told'), reason),
      ],
      submit: gettext('Disconnect'),
      is_dangerous: true,
      on_submit: async () => {
        const data = { ...this.#data_of(target), ...(reason.value && { reason: reason.value }) };
        const { count, nodes } = await this.#link.ask('disconnect', data);
        const text = ngettext('%(count)s connection was closed.', '%(count)s connections were closed.', count);
        this.#tell(with_answers(interpolate(text, { count }), nodes));
      },
    });
    const { count, is_exact, nodes } = await this.#count_open(target);
    if (count === null) {
      set_text(question, gettext('How many connections that closes is not known.'));
      return;
    }
    const text = is_exact
      ? ngettext('%(count)s connection will be closed.', '%(count)s connections will be closed.', count)
      : ngettext(
          '%(count)s connection or more will be closed.',
          '%(count)s connections or more will be closed.',
          count,
        );
    set_text(question, with_answers(interpolate(text, { count }), nodes));
    const label = ngettext('Disconnect %(count)s connection', 'Disconnect %(count)s connections', count);
    if (is_exact) set_text(submit, interpolate(label, { count }));
  }

  async send(target) {
    const name = element('input', { type: 'text', name: 'name', required: true, maxlength: 200, class: 'vTextField' });
    const payload = element(
      'textarea',
      { name: 'payload', rows: 6, class: 'vLargeTextField', spellcheck: 'false' },
      '{}',
    );
    const question = element('p', { class: 'tws-question' }, gettext('Counting connections…'));
    const { submit } = open_dialog({
      title: interpolate(gettext('Send an event to %(target)s'), { target: target.words }),
      body: [question, field(gettext('Event'), name), field(gettext('Data, a JSON object'), payload)],
      submit: gettext('Send'),
      on_submit: async () => {
        const data = { ...this.#data_of(target), name: name.value, payload: object_of(payload.value) };
        const { count, nodes } = await this.#link.ask('send', data);
        const text = ngettext(
          'The event went to %(count)s connection.',
          'The event went to %(count)s connections.',
          count,
        );
        this.#tell(with_answers(interpolate(text, { count }), nodes));
      },
    });
    try {
      const { count, nodes } = await this.#link.ask('recipients', this.#data_of(target));
      const text = ngettext('It will reach %(count)s connection.', 'It will reach %(count)s connections.', count);
      set_text(question, with_answers(interpolate(text, { count }), nodes));
      const label = ngettext('Send to %(count)s connection', 'Send to %(count)s connections', count);
      set_text(submit, interpolate(label, { count }));
    } catch (error) {
      set_text(question, error.message);
    }
  }

  /** Count whom a disconnect would reach; a user's connections only as far as one page of them tells. */
  async #count_open({ kind, value, name }) {
    if (kind === 'connection') return { count: 1, is_exact: true };
    try {
      const asked = { node: this.#node, ...(kind === 'path' ? { path: value } : { search: name }) };
      const { count, pages, rows, nodes } = await this.#link.ask('connections', asked);
      if (kind === 'path') return { count, is_exact: true, nodes };
      return { count: rows.filter(({ user_id }) => user_id === value).length, is_exact: pages === 1, nodes };
    } catch {
      return { count: null, is_exact: false };
    }
  }

  /** Say to the server who is meant: a connection is where it is, the others are on what is shown. */
  #data_of(target) {
    return target.kind === 'connection' ? target.data : { ...target.data, node: this.#node };
  }

  #tell(text) {
    clearTimeout(this.#timer);
    set_hidden(this.#notice, false); // first, or screen readers hear nothing of it
    set_text(this.#notice, text);
    this.#timer = setTimeout(() => set_hidden(this.#notice, true), SHOWN_FOR_MS);
  }
}

/** Read the data of an event; the error of what is no JSON object is for people. */
export function object_of(text) {
  let data;
  try {
    data = JSON.parse(text.trim() || '{}');
  } catch (error) {
    throw new Error(interpolate(gettext('The data must be JSON: %(error)s'), { error: error.message }));
  }
  if (data === null || typeof data !== 'object' || Array.isArray(data)) {
    throw new Error(gettext('The data must be a JSON object, such as {"message": "Hello"}.'));
  }
  return data;
}
