/** What every page shares: the connection indicator, and texts that come from templates. */

/**
 * Show in the header whether a WebSocket is connected.
 *
 * The words are in the page, where they can be translated; this only says which one to show.
 * @param {TornadoWebSocket} ws
 */
export function showConnection(ws) {
  const show = (state) => { document.documentElement.dataset.connection = state; };
  show('connecting');
  ws.on('open', () => show('live'));
  ws.on('close', (event, { will_reconnect: willReconnect }) => {
    show(willReconnect ? 'reconnecting' : 'closed');
  });
}

/**
 * Return a copy of the element in `<template id="…">`, with a text in each `data-slot`.
 * @param {string} id
 * @param {Object<string, string>} texts
 * @returns {HTMLElement}
 */
export function render(id, texts) {
  const element = document.getElementById(id).content.firstElementChild.cloneNode(true);
  for (const [slot, text] of Object.entries(texts)) {
    element.querySelector(`[data-slot="${slot}"]`).textContent = text;
  }
  return element;
}

/**
 * Add an element at the end of a log, which stays at its end unless somebody has scrolled up.
 * @param {HTMLElement} log
 * @param {HTMLElement} element
 * @param {number} limit - The oldest elements beyond it go.
 */
export function append(log, element, limit = 500) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(element);
  while (log.childElementCount > limit) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}
