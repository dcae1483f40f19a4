/** The buttons of a card: they ask without loading the page anew, and fall back to the form that they are in. */

import { set_attribute } from '../dom.js';

/**
 * Ask the server for what a button says.
 *
 * @param {string} url
 * @param {FormData} data Of the form, with the verb.
 * @returns {Promise<{ok: boolean, task: object|undefined, error: string|undefined}>}
 * Throws when there is no answer that scripts understand: the session has ended, or the server is away.
 */
export async function ask(url, data, fetch = globalThis.fetch) {
  const answer = await fetch(url, { method: 'POST', body: data, headers: { Accept: 'application/json' } });
  const is_json = (answer.headers.get('Content-Type') ?? '').startsWith('application/json');
  if (answer.redirected || !is_json) throw new Error(`expected JSON, got status ${answer.status}`);
  const { task, error } = await answer.json();
  return { ok: answer.ok, task, error };
}

/**
 * Take over the form of a card.
 *
 * @param {Card} card
 * @param {function(string): function(object): void} on_ask Gets the verb; what it returns gets what `ask` gives.
 */
export function take_over(card, on_ask) {
  const form = card.node.querySelector('form');
  if (!form) return;
  let is_plain = false;
  form.addEventListener('submit', async (event) => {
    const button = event.submitter;
    if (is_plain || button?.name !== 'verb') return;
    event.preventDefault();
    if (button.getAttribute('aria-busy') === 'true') return;
    const data = new FormData(form);
    data.set('verb', button.value);
    const has_focus = document.activeElement === button;
    set_busy(button, true);
    const on_answer = on_ask(button.value);
    let answer;
    try {
      answer = await ask(card.data.twsControlUrl, data);
    } catch {
      is_plain = true;
    }
    set_busy(button, false);
    if (is_plain) {
      form.requestSubmit(button);
      return;
    }
    on_answer(answer);
    const is_free = [document.body, button].includes(document.activeElement);
    if (!has_focus || !is_free) return; // somebody went on meanwhile
    if (button.hidden) card.keep_focus();
    else button.focus(); // it lost that when it was disabled
  });
}

function set_busy(button, is_busy) {
  set_attribute(button, 'aria-busy', is_busy ? 'true' : null);
  button.disabled = is_busy;
}
