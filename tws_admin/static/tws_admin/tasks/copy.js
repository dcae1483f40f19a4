/** A card for a run that began after the page was made. */

import { set_attribute, set_hidden, set_text } from '../dom.js';

const NIL = '00000000-0000-0000-0000-000000000000';

/**
 * Copy the card of no run.
 *
 * @param {HTMLTemplateElement} template
 * @param {object} row Of the run; its numbers are shown by `Card`.
 * @param {boolean} may_change Whether its buttons are shown.
 * @returns {HTMLElement}
 */
export function copy_card(template, row, may_change) {
  const node = document.importNode(template.content, true).querySelector('[data-tws-task]');
  for (const each of [node, ...node.querySelectorAll('*')]) {
    for (const { name, value } of [...each.attributes]) {
      if (value.includes(NIL)) each.setAttribute(name, value.replaceAll(NIL, row.id));
    }
  }
  set_attribute(node, 'data-tws-state', row.state);
  set_attribute(node, 'data-tws-may', may_change ? 'change' : '');
  for (const part of node.querySelectorAll('[data-tws-part="title"]')) set_text(part, row.title);
  for (const part of node.querySelectorAll('[data-tws-part="by"]')) {
    set_text(part, row.username ?? '');
    set_hidden(part.closest('[data-tws-field]') ?? part, !row.username);
  }
  return node;
}
