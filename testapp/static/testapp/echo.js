import { TornadoWebSocket } from '../tornado_websockets/client.mjs';
import { append, render, showConnection } from './page.js';

const form = document.getElementById('message-form');
const rawForm = document.getElementById('raw-form');
const frames = document.getElementById('frames');
const warnings = document.getElementById('warnings');
const roundTrips = [];

/** The browser's WebSocket, which also shows every frame on the page. */
class ShownWebSocket extends WebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener('message', (event) => show('received', event.data));
  }

  send(frame) {
    show('sent', frame);
    super.send(frame);
  }
}

const ws = new TornadoWebSocket('/echo', { WebSocket: ShownWebSocket });
showConnection(ws);

ws.on('message', (data) => {
  roundTrips.push(performance.now() - data.sent_at);
  showRoundTrips();
});

ws.on('warning', ({ code, message }) => {
  warnings.replaceChildren(render('warning-template', { code, message }));
});

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const sentAt = Number(performance.now().toFixed(1)); // milliseconds
  ws.emit('message', { text: form.elements.text.value, sent_at: sentAt });
});

rawForm.addEventListener('submit', (event) => {
  event.preventDefault();
  sendRaw(rawForm.elements.raw.value);
});

for (const button of document.querySelectorAll('[data-raw]')) {
  button.addEventListener('click', () => {
    rawForm.elements.raw.value = button.dataset.raw;
    sendRaw(button.dataset.raw);
  });
}

/** Send a frame past the client, which would never send a wrong one. */
function sendRaw(frame) {
  warnings.replaceChildren();
  if (ws.state === 'open') ws.websocket.send(frame);
}

function showRoundTrips() {
  const sorted = [...roundTrips].sort((a, b) => a - b);
  const values = {
    last: roundTrips.at(-1),
    fastest: sorted[0],
    median: sorted[Math.floor(sorted.length / 2)],
  };
  for (const [id, value] of Object.entries(values)) {
    document.getElementById(id).value = value.toFixed(1);
  }
}

function show(direction, frame) {
  const time = new Date().toISOString().slice(11, 23);
  append(frames, render(`${direction}-template`, { frame, time }), 200);
}
