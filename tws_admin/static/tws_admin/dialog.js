/** Questions to the operator, in the browser's own dialog: it keeps the focus and closes with Escape. */

import { button, element, set_hidden, set_text } from './dom.js';
import { gettext } from './text.js';

let opened = 0;

/**
 * Open a dialog with a form in it; it goes when it is closed.
 *
 * @param {object} parts
 * @param {string} parts.title
 * @param {Node[]} parts.body
 * @param {string} [parts.submit] What the button that does it is called; without one there is only one that closes.
 * @param {boolean} [parts.is_dangerous]
 * @param {function(): Promise<void>} [parts.on_submit] The dialog closes when it has done; what it throws is shown.
 * @returns {{dialog: HTMLDialogElement, submit: HTMLButtonElement|null}}
 */
export function open_dialog({ title, body, submit, is_dangerous = false, on_submit }) {
  opened += 1;
  const id = `tws-dialog-${opened}`;
  const close = button(submit ? gettext('Cancel') : gettext('Close'), () => dialog.close());
  const action = submit
    ? element(
        'button',
        { type: 'submit', class: is_dangerous ? 'tws-button tws-danger' : 'tws-button tws-default' },
        submit,
      )
    : null;
  const refusal = element('p', { class: 'tws-refusal', role: 'alert', hidden: true });
  const form = element(
    'form',
    {},
    element('h2', { id }, title),
    ...body,
    refusal,
    element('div', { class: 'tws-buttons' }, ...(action ? [action, close] : [close])),
  );
  const dialog = element('dialog', { class: 'tws-dialog', 'aria-labelledby': id }, form);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!action || action.disabled) return;
    action.disabled = true;
    set_hidden(refusal, true);
    try {
      await on_submit();
      dialog.close();
    } catch (error) {
      set_text(refusal, error.message);
      set_hidden(refusal, false);
    }
    action.disabled = false;
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.getElementById('tws-dashboard').append(dialog);
  dialog.showModal();
  return { dialog, submit: action };
}

/** A field with its label. */
export function field(text, control) {
  return element('label', { class: 'tws-field' }, element('span', {}, text), control);
}
