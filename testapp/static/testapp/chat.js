import { TornadoWebSocket } from '../tornado_websockets/client.mjs';
import { append, render, showConnection } from './page.js';

const messages = document.getElementById('messages');
const refused = document.getElementById('refused');
const nameForm = document.getElementById('name-form');
const messageForm = document.getElementById('message-form');
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

const ws = new TornadoWebSocket('/chat');
showConnection(ws);

// `open` comes again with every reconnection: the server then knows our name again.
ws.on('open', () => { if (myName()) join(); });

ws.on('history', (data) => data.messages.forEach(showMessage));
ws.on('message', showMessage);
ws.on('joined', (data) => append(messages, render('joined-template', { name: data.name })));
ws.on('left', (data) => append(messages, render('left-template', { name: data.name })));
ws.on('online', (data) => { document.getElementById('online').value = data.count; });

ws.on('refused', (data) => {
  refused.textContent = Object.values(data.errors).flat().join(' ');
  if ('author' in data.errors) chooseName();
});

nameForm.addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('name', nameForm.elements.name.value.trim());
  if (ws.state === 'open') join();
  enterChat();
});

messageForm.addEventListener('submit', (event) => {
  event.preventDefault();
  refused.textContent = '';
  // While the connection is away, the client keeps what is emitted and sends it later.
  if (ws.emit('message', { text: messageForm.elements.text.value })) messageForm.reset();
});

document.getElementById('rename').addEventListener('click', chooseName);

function myName() {
  return sessionStorage.getItem('name');
}

function join() {
  ws.emit('join', { name: myName() });
}

/** After a reconnection the history comes again: what is on the page already is not repeated. */
function showMessage({ id, author, text, at }) {
  if (document.getElementById(`message-${id}`)) return;
  const date = new Date(at);
  const element = render('message-template', { author, text, time: time.format(date) });
  element.id = `message-${id}`;
  element.classList.toggle('mine', author === myName());
  element.querySelector('time').dateTime = date.toISOString();
  append(messages, element);
}

function chooseName() {
  sessionStorage.removeItem('name');
  nameForm.hidden = false;
  messageForm.hidden = true;
  nameForm.elements.name.focus();
}

function enterChat() {
  refused.textContent = '';
  nameForm.hidden = true;
  messageForm.hidden = false;
  document.getElementById('my-name').textContent = myName();
  messageForm.elements.text.focus();
}

if (myName()) enterChat();
