import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import vm from 'node:vm';

import { new_document } from './dom.mjs';
import { new_peer } from './peer.mjs';

const CLIENT = new URL('../../tornado_websockets/static/tornado_websockets/client.js', import.meta.url);
const PROGRESS_BAR = new URL('modules/progress_bar.js', CLIENT);

/** Return the globals of a page after it loaded classic scripts. */
function page({ location, scripts = [CLIENT] } = {}) {
  const WebSocket = new_peer();
  const document = new_document();
  const context = vm.createContext({ console, setTimeout: unwaited, clearTimeout, WebSocket, location, document });
  for (const script of scripts) load(script, context);
  return context;
}

/** Start a timer that no process waits for: nobody answers the clients of these pages. */
function unwaited(...args) {
  return setTimeout(...args).unref();
}

function load(script, context) {
  vm.runInContext(readFileSync(script, 'utf8'), context, { filename: script.href });
}

function url(location, options = {}) {
  const { TornadoWebSocket } = page({ location: new URL(location) });
  return TornadoWebSocket('/chat', options).url;
}

describe('client.js as a classic script', () => {
  test('defines its two globals and nothing else', () => {
    const before = Object.keys(page({ scripts: [] }));
    const added = Object.keys(page()).filter((name) => !before.includes(name));
    assert.deepEqual(added.sort(), ['TornadoWebSocket', 'tws']);
  });

  test('works with new, without new, and as tws', () => {
    const context = page();
    for (const expression of ['new TornadoWebSocket("/x")', 'TornadoWebSocket("/x")', 'tws("/x")']) {
      assert.ok(vm.runInContext(`${expression} instanceof TornadoWebSocket`, context), expression);
    }
    assert.equal(context.WebSocket.sockets.length, 3);
  });

  test('loaded twice it stays the same', () => {
    const context = page();
    const { TornadoWebSocket, tws } = context;
    load(CLIENT, context);
    assert.equal(context.TornadoWebSocket, TornadoWebSocket);
    assert.equal(context.tws, tws);
  });

  test('takes objects of any realm as data', () => {
    const { tws, WebSocket } = page();
    const ws = tws('/x');
    WebSocket.last.accept();
    ws.emit('e', { a: 1 });
    ws.emit('e', vm.runInNewContext('({b: 2})'));
    assert.deepEqual(WebSocket.last.sent.map(({ data }) => data), [{ a: 1 }, { b: 2 }]);
    ws.close();
  });
});

describe('the address', () => {
  test('defaults to where the page came from', () => {
    assert.equal(url('http://example.com:8080/some/page?x#y'), 'ws://example.com:8080/ws/chat');
    assert.equal(url('http://example.com/'), 'ws://example.com/ws/chat');
    assert.equal(url('https://example.com/'), 'wss://example.com/ws/chat');
    assert.equal(url('https://[::1]:8443/'), 'wss://[::1]:8443/ws/chat');
  });

  test('takes from the page what the options do not say', () => {
    const location = 'https://example.com:8443/';
    assert.equal(url(location, { port: 1337 }), 'wss://example.com:1337/ws/chat');
    assert.equal(url(location, { host: 'ws.example.com' }), 'wss://ws.example.com:8443/ws/chat');
    assert.equal(url(location, { secure: false }), 'ws://example.com:8443/ws/chat');
    assert.equal(url(location, { port: null, host: undefined }), 'wss://example.com:8443/ws/chat');
  });

  test('is localhost:8000 where the page is no web page', () => {
    assert.equal(url('file:///index.html'), 'ws://localhost:8000/ws/chat');
    assert.equal(url('about:blank'), 'ws://localhost:8000/ws/chat');
  });
});

describe('progress_bar.js as a classic script', () => {
  test('defines its global and nothing else', () => {
    const before = Object.keys(page({ scripts: [] }));
    const added = Object.keys(page({ scripts: [PROGRESS_BAR] })).filter((name) => !before.includes(name));
    assert.deepEqual(added, ['ModuleProgressBar']);
  });

  test('loaded twice it stays the same', () => {
    const context = page({ scripts: [PROGRESS_BAR] });
    const { ModuleProgressBar } = context;
    load(PROGRESS_BAR, context);
    assert.equal(context.ModuleProgressBar, ModuleProgressBar);
  });

  test('works with the client, whichever is loaded first', () => {
    for (const scripts of [[CLIENT, PROGRESS_BAR], [PROGRESS_BAR, CLIENT]]) {
      const { tws, ModuleProgressBar, WebSocket, document } = page({ scripts });
      const ws = tws('/module_progressbar');
      const progress = ModuleProgressBar('foo');
      progress.set_engine(new progress.EngineHtml5('#container'));
      ws.bind(progress);
      WebSocket.last.accept();
      WebSocket.last.emit('module_progressbar_foo_init', { indeterminate: false, min: 0, max: 4, value: 1 });
      assert.equal(progress.progress, 25);
      assert.equal(document.body.find('tws-progress-value').textContent, '25%');
      ws.close();
    }
  });
});

describe('strict pages', () => {
  test('nothing needs unsafe-inline, unsafe-eval or trusted markup', () => {
    for (const script of [CLIENT, PROGRESS_BAR]) {
      const source = readFileSync(script, 'utf8');
      assert.doesNotMatch(source, /\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|setAttribute\('style'/);
      assert.match(source, /'use strict';/);
    }
  });
});
