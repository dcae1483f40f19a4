import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';

import { TornadoWebSocket, tws } from '../../tornado_websockets/static/tornado_websockets/client.mjs';
import { new_peer } from './peer.mjs';

let Peer;
let random;

beforeEach(() => {
  Peer = new_peer();
  random = 1;
  mock.timers.enable({ apis: ['setTimeout'] });
  mock.method(Math, 'random', () => random);
});

afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

function connect(options) {
  return new TornadoWebSocket('/chat', { WebSocket: Peer, ...options });
}

/** Return a client that is open, and the server's end of it. */
function connected(options) {
  const ws = connect(options);
  Peer.last.accept();
  return ws;
}

function errors_of(ws) {
  const errors = [];
  ws.on('error', (error) => errors.push(error));
  return errors;
}

describe('construction', () => {
  test('works with new, without new, and as tws', () => {
    for (const ws of [connect(), TornadoWebSocket('/chat', { WebSocket: Peer }), tws('/chat', { WebSocket: Peer })]) {
      assert.ok(ws instanceof TornadoWebSocket);
      assert.equal(ws.constructor, TornadoWebSocket);
      assert.equal(ws.url, 'ws://localhost:8000/ws/chat');
    }
    assert.equal(TornadoWebSocket.name, 'TornadoWebSocket');
  });

  test('can be subclassed', () => {
    class Chat extends TornadoWebSocket {
      say(text) {
        return this.emit('message', text);
      }
    }
    const chat = new Chat('/chat', { WebSocket: Peer });
    Peer.last.accept();
    assert.ok(chat.say('hello'));
    assert.deepEqual(Peer.last.sent, [{ event: 'message', data: { message: 'hello' } }]);
  });

  test('connects at once, offering the protocols', () => {
    const ws = connect({ protocols: ['v1'] });
    assert.equal(ws.state, 'connecting');
    assert.equal(ws.websocket, Peer.last);
    assert.deepEqual(Peer.last.protocols, ['v1']);
  });

  test('the path may lack the slash, have blanks around it and carry a query', () => {
    for (const [path, url] of [
      ['chat', 'ws://localhost:8000/ws/chat'],
      ['  /chat\n', 'ws://localhost:8000/ws/chat'],
      ['//chat/room', 'ws://localhost:8000/ws/chat/room'],
      ['/chat?room=1', 'ws://localhost:8000/ws/chat?room=1'],
    ]) {
      assert.equal(tws(path, { WebSocket: Peer }).url, url);
    }
  });

  test('a path that is no string or blank is refused', () => {
    for (const path of [undefined, null, 3, {}, '', '  ', '/', ' // ']) {
      assert.throws(() => tws(path, { WebSocket: Peer }), { name: 'TypeError', message: /path must be the path/ });
    }
    assert.equal(Peer.sockets.length, 0);
  });

  test('host, port and secure make the address', () => {
    for (const [options, url] of [
      [{ host: 'example.com' }, 'ws://example.com:8000/ws/chat'],
      [{ host: ' example.com ', port: 1337 }, 'ws://example.com:1337/ws/chat'],
      [{ port: '9000' }, 'ws://localhost:9000/ws/chat'],
      [{ port: '' }, 'ws://localhost/ws/chat'],
      [{ port: 80 }, 'ws://localhost/ws/chat'],
      [{ port: 443 }, 'ws://localhost:443/ws/chat'],
      [{ secure: true, port: 443 }, 'wss://localhost/ws/chat'],
      [{ secure: true, port: 80 }, 'wss://localhost:80/ws/chat'],
      [{ secure: true }, 'wss://localhost:8000/ws/chat'],
      [{ host: '::1' }, 'ws://[::1]:8000/ws/chat'],
      [{ host: '[2001:db8::1]', port: 80 }, 'ws://[2001:db8::1]/ws/chat'],
    ]) {
      assert.equal(connect(options).url, url);
    }
  });

  test('a bad host is refused', () => {
    for (const host of ['', '  ', 'example.com:80', 'example.com/x', 'a b', 'user@host', '[]', 3]) {
      assert.throws(() => connect({ host }), { name: 'TypeError', message: /options\.host must be a host name/ });
    }
  });

  test('a bad port is refused', () => {
    for (const port of [0, 65536, -1, 1.5, '80a', NaN]) {
      assert.throws(() => connect({ port }), { name: 'TypeError', message: /options\.port must be an integer/ });
    }
  });

  test('a bad number is refused', () => {
    const names = ['reconnect_delay_ms', 'reconnect_delay_max_ms', 'heartbeat_ms', 'timeout_ms', 'buffer_size'];
    for (const name of names) {
      for (const value of [-1, NaN, '5', null]) {
        assert.throws(() => connect({ [name]: value }), { name: 'TypeError', message: new RegExp(`options.${name}`) });
      }
    }
    assert.throws(() => connect({ timeout_ms: '5' }), { message: /not negative, got 5 \(string\)/ });
  });

  test('a runtime without WebSocket is told how to give one', () => {
    assert.throws(() => connect({ WebSocket: null }), { name: 'TypeError', message: /options\.WebSocket/ });
  });

  test('what the native constructor throws reaches the caller', () => {
    class Refusing {
      constructor() {
        throw new SyntaxError('bad address');
      }
    }
    assert.throws(() => connect({ WebSocket: Refusing }), { name: 'SyntaxError' });
  });
});

describe('on and off', () => {
  test('callbacks run in the order of their registration, with the client as this', () => {
    const ws = connected();
    const calls = [];
    ws.on('e', (data) => calls.push(['first', data]))
      .on('e', function second() {
        calls.push(['second', this]);
      });
    Peer.last.emit('e', { a: 1 });
    assert.deepEqual(calls, [['first', { a: 1 }], ['second', ws]]);
  });

  test('the same function registered twice for one event is called once', () => {
    const ws = connected();
    const callback = mock.fn();
    ws.on('e', callback).on('e', callback).on('f', callback);
    Peer.last.emit('e');
    assert.equal(callback.mock.callCount(), 1);
    Peer.last.emit('f');
    assert.equal(callback.mock.callCount(), 2);
  });

  test('a callback registered during an event waits for the next', () => {
    const ws = connected();
    const late = mock.fn();
    ws.on('e', () => ws.on('e', late));
    Peer.last.emit('e');
    assert.equal(late.mock.callCount(), 0);
    Peer.last.emit('e');
    assert.equal(late.mock.callCount(), 1);
  });

  test('off removes one callback, or all of an event, also during the event', () => {
    const ws = connected();
    const one = mock.fn();
    const two = mock.fn();
    ws.on('e', one).on('e', two).off('e', one).off('unknown').off('unknown', one);
    Peer.last.emit('e');
    assert.deepEqual([one.mock.callCount(), two.mock.callCount()], [0, 1]);

    ws.off('e').on('e', () => ws.off('e')).on('e', two);
    Peer.last.emit('e');
    assert.equal(two.mock.callCount(), 1);
  });

  test('a callback that throws is reported and stops nothing', () => {
    const reported = mock.method(console, 'error', () => {});
    const ws = connected();
    const after = mock.fn();
    ws.on('e', () => {
      throw new Error('mine');
    }).on('e', after);
    Peer.last.emit('e');
    assert.equal(after.mock.callCount(), 1);
    assert.equal(reported.mock.calls[0].arguments[0].message, 'mine');
    assert.equal(ws.state, 'open');
  });

  test('where the platform has reportError, it gets what a callback threw', (t) => {
    globalThis.reportError = mock.fn();
    t.after(() => delete globalThis.reportError);
    connected().on('e', () => {
      throw new Error('mine');
    });
    Peer.last.emit('e');
    assert.equal(globalThis.reportError.mock.calls[0].arguments[0].message, 'mine');
  });

  test('wrong arguments are refused', () => {
    const ws = connect();
    assert.throws(() => ws.on('e'), { name: 'TypeError', message: /on\('e', callback\): callback must be a function/ });
    assert.throws(() => ws.on('', () => {}), { name: 'TypeError', message: /non-empty string/ });
    assert.throws(() => ws.on(3, () => {}), { name: 'TypeError', message: /non-empty string/ });
  });
});

describe('emit', () => {
  test('sends objects as they are, nothing as {}, all else as a message', () => {
    const ws = connected();
    const date = new Date(0);
    for (const data of [undefined, {}, { my: 'data' }, 'text', '', 3, true, null, [1, 2], date]) {
      assert.equal(ws.emit('e', data), true);
    }
    assert.deepEqual(
      Peer.last.sent.map(({ data }) => data),
      [{}, {}, { my: 'data' }, { message: 'text' }, { message: '' }, { message: 3 }, { message: true },
        { message: null }, { message: [1, 2] }, { message: '1970-01-01T00:00:00.000Z' }],
    );
    assert.ok(Peer.last.sent.every(({ event }) => event === 'e'));
  });

  test('the example of the documentation, again at each connection', () => {
    const ws = connect();
    ws.on('open', () => {
      ws.emit('my_event');
      ws.emit('my_event', 'My message');
      ws.emit('my_event', { my: 'data' });
    });
    const expected = [{}, { message: 'My message' }, { my: 'data' }].map((data) => ({ event: 'my_event', data }));
    Peer.last.accept();
    assert.deepEqual(Peer.last.sent, expected);
    Peer.last.drop(1006);
    mock.timers.tick(500);
    Peer.last.accept();
    assert.equal(Peer.sockets.length, 2);
    assert.deepEqual(Peer.last.sent, expected);
  });

  test('waits for the connection, after the open callbacks and in order', () => {
    const ws = connect();
    ws.emit('first');
    ws.emit('second');
    ws.on('open', () => ws.emit('join'));
    assert.equal(ws.buffered, 2);
    Peer.last.accept();
    assert.deepEqual(Peer.last.sent.map(({ event }) => event), ['join', 'first', 'second']);
    assert.equal(ws.buffered, 0);
  });

  test('keeps the data as it was at the call', () => {
    const ws = connect();
    const data = { n: 1 };
    ws.emit('e', data);
    data.n = 2;
    Peer.last.accept();
    assert.deepEqual(Peer.last.sent[0].data, { n: 1 });
  });

  test('waits when the connection is closing or lost', () => {
    const ws = connected();
    Peer.last.readyState = 2;
    assert.ok(ws.emit('closing'));
    Peer.last.drop(1006);
    assert.ok(ws.emit('lost'));
    assert.equal(ws.state, 'waiting');
    mock.timers.tick(500);
    Peer.last.accept();
    assert.deepEqual(Peer.last.sent.map(({ event }) => event), ['closing', 'lost']);
  });

  test('keeps what it could not flush when the connection breaks in an open callback', () => {
    const ws = connect();
    ws.emit('e');
    ws.on('open', () => Peer.last.drop(1006));
    Peer.last.accept();
    assert.equal(ws.buffered, 1);
  });

  test('past the bound it is refused with an error that names the event', () => {
    const ws = connect({ buffer_size: 2 });
    const errors = errors_of(ws);
    assert.deepEqual(['a', 'b', 'c'].map((event) => ws.emit(event)), [true, true, false]);
    assert.equal(errors.length, 1);
    assert.match(errors[0].message, /Cannot emit "c": 2 events wait already/);
    Peer.last.accept();
    assert.deepEqual(Peer.last.sent.map(({ event }) => event), ['a', 'b']);
  });

  test('a hundred events are kept when nothing else is said', () => {
    const ws = connect();
    errors_of(ws);
    for (let n = 0; n < 100; n += 1) assert.ok(ws.emit('e', { n }));
    assert.equal(ws.emit('e'), false);
  });

  test('what cannot be sent is refused and never thrown', () => {
    const ws = connected();
    const errors = errors_of(ws);
    const cycle = {};
    cycle.self = cycle;
    for (const [event, data, pattern] of [
      ['open', {}, /Cannot emit "open": the name is reserved/],
      ['close', {}, /Cannot emit "close": the name is reserved/],
      ['', {}, /Cannot emit "": an event is a non-empty string/],
      [3, {}, /Cannot emit number: an event is a non-empty string/],
      ['e', cycle, /Cannot emit "e": .*circular/],
      ['e', { n: 1n }, /Cannot emit "e": .*BigInt/],
      ['e', () => {}, /Cannot emit "e": a function cannot be written as JSON/],
      ['e', Symbol('s'), /Cannot emit "e": a symbol cannot be written as JSON/],
    ]) {
      assert.equal(ws.emit(event, data), false);
      assert.match(errors.pop().message, pattern);
    }
    assert.deepEqual(Peer.last.sent, []);
    assert.ok(ws.emit('still'));
  });

  test('an error nobody listens to goes to the console', () => {
    const reported = mock.method(console, 'error', () => {});
    connected().emit('open');
    assert.match(reported.mock.calls[0].arguments[0].message, /reserved/);
  });

  test('an error callback that emits in vain does not call itself', () => {
    const reported = mock.method(console, 'error', () => {});
    const ws = connect({ buffer_size: 0 });
    const callback = mock.fn(() => ws.emit('report'));
    ws.on('error', callback);
    ws.emit('e');
    assert.equal(callback.mock.callCount(), 1);
    assert.match(reported.mock.calls[0].arguments[0].message, /Cannot emit "report"/);
    ws.emit('e');
    assert.equal(callback.mock.callCount(), 2);
  });
});

describe('frames of the server', () => {
  test('an event called message is an event like any other', () => {
    const ws = connected();
    const callback = mock.fn();
    ws.on('message', callback);
    Peer.last.emit('message', { message: 'hello' });
    Peer.last.emit('other', {});
    assert.deepEqual(callback.mock.calls.map((call) => call.arguments), [[{ message: 'hello' }]]);
  });

  test('data may be absent or null', () => {
    const ws = connected();
    const callback = mock.fn();
    ws.on('e', callback);
    Peer.last.deliver('{"event": "e"}');
    Peer.last.deliver('{"event": "e", "data": null}');
    assert.deepEqual(callback.mock.calls.map((call) => call.arguments), [[{}], [{}]]);
  });

  test('names that objects are born with are names like any other', () => {
    const ws = connected();
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      Peer.last.emit(name, {});
      const callback = mock.fn();
      ws.on(name, callback);
      Peer.last.deliver(`{"event": "${name}", "data": {"n": 1}}`);
      assert.deepEqual(callback.mock.calls[0].arguments, [{ n: 1 }]);
    }
  });

  test('a frame that cannot be used is an error and nothing more', () => {
    const ws = connected();
    const errors = errors_of(ws);
    const callback = mock.fn();
    ws.on('open', callback).on('close', callback);
    for (const [frame, pattern] of [
      ['{"event": ', /expected JSON, got \{"event": $/],
      ['', /expected JSON/],
      ['null', /expected a JSON object, got null/],
      ['[]', /expected a JSON object/],
      ['1', /expected a JSON object/],
      ['"e"', /expected a JSON object/],
      ['{}', /expected an "event"/],
      ['{"event": ""}', /expected an "event"/],
      ['{"event": {}}', /expected an "event"/],
      ['{"event": "open"}', /"open" tells of the connection itself/],
      ['{"event": "close"}', /"close" tells of the connection itself/],
      ['{"event": "error"}', /"error" tells of the connection itself/],
      [new ArrayBuffer(3), /binary frame/],
    ]) {
      Peer.last.deliver(frame);
      assert.equal(errors.length, 1);
      const error = errors.pop();
      assert.ok(error instanceof Error);
      assert.match(error.message, pattern);
    }
    Peer.last.deliver('x'.repeat(10_000));
    assert.ok(errors[0].message.length < 200);
    assert.equal(errors[0].cause.name, 'SyntaxError');
    assert.equal(callback.mock.callCount(), 0);
    assert.equal(ws.state, 'open');
  });

  test('a warning nobody listens to goes to the console', () => {
    const warned = mock.method(console, 'warn', () => {});
    const ws = connected();
    const warning = { code: 'unknown_event', message: 'There is no such event.' };
    Peer.last.emit('warning', warning);
    assert.deepEqual(warned.mock.calls[0].arguments.at(-1), warning);
    Peer.last.emit('unheard', {});
    const callback = mock.fn();
    ws.on('warning', callback);
    Peer.last.emit('warning', warning);
    assert.deepEqual(callback.mock.calls[0].arguments, [warning]);
    assert.equal(warned.mock.callCount(), 1);
  });
});

describe('reconnection', () => {
  test('open and close tell what happens, without touching the native events', () => {
    const ws = connect();
    const calls = [];
    for (const name of ['open', 'close', 'error']) {
      ws.on(name, (event, info) => calls.push([name, event instanceof Event && event.type, info]));
    }
    Peer.last.accept();
    Peer.last.drop(1006);
    mock.timers.tick(500);
    Peer.last.fail();
    mock.timers.tick(1000);
    Peer.last.accept();
    assert.deepEqual(calls, [
      ['open', 'open', { reconnected: false, attempt: 0 }],
      ['close', 'close', { will_reconnect: true, delay_ms: 500 }],
      ['error', 'error', undefined],
      ['close', 'close', { will_reconnect: true, delay_ms: 1000 }],
      ['open', 'open', { reconnected: true, attempt: 2 }],
    ]);
    assert.equal(ws.state, 'open');
  });

  test('the first connection is tried again too', () => {
    const ws = connect();
    const opened = mock.fn();
    ws.on('open', opened);
    Peer.last.fail();
    assert.equal(ws.state, 'waiting');
    assert.equal(ws.websocket, null);
    mock.timers.tick(500);
    Peer.last.accept();
    assert.deepEqual(opened.mock.calls[0].arguments[1], { reconnected: false, attempt: 1 });
  });

  test('the delay doubles up to the maximum, with full jitter', () => {
    const ws = connect({ reconnect_delay_ms: 100, reconnect_delay_max_ms: 1000 });
    const delays = [];
    ws.on('close', (event, { delay_ms }) => delays.push(delay_ms));
    for (random of [1, 1, 0.5, 1, 1, 0, 0.25]) {
      Peer.last.fail();
      mock.timers.tick(1000);
    }
    assert.deepEqual(delays, [100, 200, 200, 800, 1000, 0, 250]);
    assert.equal(Peer.sockets.length, 8);
  });

  test('a server that goes away says when to come back, in any reason of a temporary close', () => {
    const delays = [];
    for (const [code, reason] of [
      [1001, 'The server is going away: retry in 4321 ms.'],
      [4000, 'busy, retry in 0 ms'],
      [1001, 'retry in 9999999 ms'],
      [1001, 'retry in 99999999999999999999 ms'],
      [1001, 'retry in -5 ms'],
      [1001, 'no word of it'],
      [4500, 'retry in 5 ms'],
    ]) {
      const ws = connected();
      ws.on('close', (event, { delay_ms }) => delays.push(delay_ms));
      Peer.last.drop(code, reason);
      ws.close();
    }
    assert.deepEqual(delays, [4321, 0, 30000, 500, 500, 500, 0]);
  });

  test('a client that the server asked for at a moment and did not take tries again as ever', () => {
    connected();
    Peer.last.drop(1001, 'retry in 4000 ms');
    mock.timers.tick(3999);
    assert.equal(Peer.sockets.length, 1);
    mock.timers.tick(1);
    assert.equal(Peer.sockets.length, 2);
    Peer.last.fail();
    mock.timers.tick(1000);
    assert.equal(Peer.sockets.length, 3);
  });

  test('no attempt is made before its time', () => {
    connect();
    Peer.last.fail();
    mock.timers.tick(499);
    assert.equal(Peer.sockets.length, 1);
    mock.timers.tick(1);
    assert.equal(Peer.sockets.length, 2);
  });

  test('delays stay numbers that timers understand', () => {
    const ws = connect({ reconnect_delay_ms: 0, reconnect_delay_max_ms: Infinity });
    const delays = [];
    ws.on('close', (event, { delay_ms }) => delays.push(delay_ms));
    for (let n = 0; n < 1100; n += 1) {
      Peer.last.fail();
      mock.timers.tick(1);
    }
    assert.ok(delays.every((delay) => delay === 0));
    const eternal = connect({ reconnect_delay_ms: Infinity, reconnect_delay_max_ms: Infinity });
    eternal.on('close', (event, { delay_ms }) => delays.push(delay_ms));
    Peer.last.fail();
    assert.equal(delays.at(-1), 2 ** 31 - 1);
  });

  test('a connection that delivers a frame and breaks at once does not reset the delay', () => {
    const ws = connect();
    const delays = [];
    ws.on('close', (event, { delay_ms }) => delays.push(delay_ms)).on('e', () => {});
    Peer.last.fail();
    mock.timers.tick(500);
    Peer.last.accept();
    Peer.last.emit('e');
    Peer.last.drop(1006);
    assert.deepEqual(delays, [500, 1000]);
  });

  test('a connection that lasts resets the delay, one that breaks soon does not', () => {
    const ws = connect();
    const delays = [];
    ws.on('close', (event, { delay_ms }) => delays.push(delay_ms));
    Peer.last.accept();
    Peer.last.drop(1006);
    mock.timers.tick(500);
    Peer.last.accept();
    mock.timers.tick(4999);
    Peer.last.drop(1006);
    mock.timers.tick(1000);
    Peer.last.accept();
    mock.timers.tick(5000);
    Peer.last.drop(1006);
    assert.deepEqual(delays, [500, 1000, 500]);
  });

  test('the close code decides', () => {
    for (const code of [1001, 1005, 1006, 1009, 1011, 1012, 3000, 4000, 4008, 4029, 4499]) {
      const ws = connected();
      Peer.last.drop(code);
      assert.equal(ws.state, 'waiting', `after ${code}`);
    }
    for (const code of [1000, 4500, 4501, 4509, 4999]) {
      const ws = connected();
      const closed = mock.fn();
      ws.on('close', closed);
      Peer.last.drop(code);
      assert.equal(ws.state, 'closed', `after ${code}`);
      assert.deepEqual(closed.mock.calls[0].arguments[1], { will_reconnect: false, delay_ms: 0 });
    }
  });

  test('reconnect: false never tries again', () => {
    const ws = connected({ reconnect: false });
    Peer.last.drop(1006);
    mock.timers.tick(60_000);
    assert.equal(ws.state, 'closed');
    assert.equal(Peer.sockets.length, 1);
  });

  test('an attempt whose constructor throws is an error, and is followed by another', () => {
    let forbidden = false;
    class Policed extends Peer {
      constructor(...args) {
        if (forbidden) throw new Error('SecurityError');
        super(...args);
      }
    }
    const ws = connect({ WebSocket: Policed });
    const errors = errors_of(ws);
    forbidden = true;
    Peer.last.fail();
    mock.timers.tick(500);
    assert.equal(ws.state, 'waiting');
    assert.equal(errors.at(-1).message, 'SecurityError');
    forbidden = false;
    mock.timers.tick(1000);
    assert.equal(ws.state, 'connecting');
  });
});

describe('a server that says nothing', () => {
  const PING = { event: 'tws_ping' };

  /** Let time pass in steps, as timers that a timer starts count from the end of a step. */
  function pass(...steps) {
    for (const step of steps) mock.timers.tick(step);
  }

  test('is asked whether it is there, and whatever it says is an answer', (t) => {
    const warn = t.mock.method(console, 'warn', () => {});
    for (const answer of ['{"event":"tws_pong","data":{}}', '{"event":"news"}', 'rubbish']) {
      const ws = connected();
      errors_of(ws);
      const closed = mock.fn();
      ws.on('close', closed);
      pass(14_999);
      assert.deepEqual(Peer.last.sent, []);
      pass(1);
      assert.deepEqual(Peer.last.sent, [PING]);
      pass(9_999);
      Peer.last.deliver(answer);
      pass(14_999);
      assert.deepEqual(Peer.last.sent, [PING]);
      pass(1);
      assert.deepEqual(Peer.last.sent, [PING, PING]);
      Peer.last.deliver(answer);
      pass(10_000);
      assert.equal(closed.mock.callCount(), 0);
      ws.close();
    }
    assert.equal(warn.mock.callCount(), 0);
  });

  test('its answer is no event of the page', () => {
    const ws = connected();
    const errors = errors_of(ws);
    const got = mock.fn();
    ws.on('tws_pong', got);
    Peer.last.emit('tws_pong', {});
    assert.equal(got.mock.callCount(), 0);
    assert.deepEqual(errors, []);
  });

  test('is not asked while it speaks', () => {
    connected().on('news', () => {});
    for (let n = 0; n < 20; n += 1) {
      Peer.last.emit('news');
      pass(14_999);
    }
    assert.deepEqual(Peer.last.sent, []);
  });

  test('counts as lost when it answers neither of two questions', () => {
    const ws = connected();
    const closed = mock.fn();
    ws.on('close', closed);
    const [dead] = Peer.sockets;
    pass(15_000, 10_000);
    assert.deepEqual(dead.sent, [PING, PING]);
    pass(9999);
    assert.equal(ws.state, 'open');
    pass(1);
    assert.equal(ws.state, 'waiting');
    assert.equal(ws.websocket, null);
    const [event, info] = closed.mock.calls[0].arguments;
    assert.deepEqual([event.type, event.code, event.wasClean], ['close', 1006, false]);
    assert.equal(event.reason, 'The server does not answer.');
    assert.deepEqual(info, { will_reconnect: true, delay_ms: 500 });
    assert.deepEqual(dead.close_arguments, [1000, '']);
    dead.emit('late');
    dead.drop(1006);
    assert.equal(closed.mock.callCount(), 1);
    pass(500);
    Peer.last.accept();
    assert.equal(ws.state, 'open');
    assert.equal(Peer.sockets.length, 2);
  });

  test('its second chance is for what came while the page slept', () => {
    const ws = connected();
    pass(15_000);
    pass(10_000_000); // one timer fires late, and then what has come meanwhile
    Peer.last.emit('tws_pong', {});
    pass(10_000);
    assert.equal(ws.state, 'open');
  });

  test('an attempt to connect has its time', () => {
    const ws = connect();
    const [attempt] = Peer.sockets;
    const errors = errors_of(ws);
    pass(19_999);
    assert.equal(ws.state, 'connecting');
    pass(1);
    assert.equal(ws.state, 'waiting');
    attempt.fail();
    assert.deepEqual(errors, []);
    pass(500);
    assert.equal(ws.state, 'connecting');
    assert.equal(Peer.sockets.length, 2);
  });

  test('without reconnection it is lost as well', () => {
    const ws = connected({ reconnect: false });
    pass(15_000, 10_000, 10_000);
    assert.equal(ws.state, 'closed');
  });

  test('both times can be chosen', () => {
    const ws = connected({ heartbeat_ms: 100, timeout_ms: 50 });
    pass(100, 25, 24);
    assert.equal(ws.state, 'open');
    pass(1);
    assert.equal(ws.state, 'waiting');
  });

  test('who wants neither waits for ever', () => {
    const ws = connect({ heartbeat_ms: 0, timeout_ms: 0 });
    pass(2 ** 31);
    assert.equal(ws.state, 'connecting');
    Peer.last.accept();
    pass(2 ** 31, 2 ** 31);
    assert.deepEqual(Peer.last.sent, []);
    const patient = connected({ heartbeat_ms: 10, timeout_ms: 0 });
    pass(10, 2 ** 31);
    assert.equal(patient.state, 'open');
    assert.deepEqual(Peer.last.sent, [PING]);
    Peer.last.emit('tws_pong', {});
    pass(10);
    assert.deepEqual(Peer.last.sent, [PING, PING]); // it still wants to know
    connected({ heartbeat_ms: Infinity, timeout_ms: Infinity });
    pass(15_000, 15_000);
    assert.deepEqual(Peer.last.sent, []);
  });

  test('a WebSocket that refuses to be asked or closed is lost as well', () => {
    class Refusing extends Peer {
      send() {
        throw new Error('no sending');
      }

      close() {
        throw new Error('no closing');
      }
    }
    const ws = connected({ WebSocket: Refusing });
    const errors = errors_of(ws);
    pass(15_000, 10_000, 10_000);
    assert.equal(ws.state, 'waiting');
    assert.deepEqual(
      errors.map(({ message }) => message),
      ['no sending', 'no sending', 'no closing'],
    );
  });

  test('is asked nothing behind the end', () => {
    const ws = connected();
    pass(14_999);
    ws.close();
    pass(15_000, 10_000, 10_000);
    assert.deepEqual(Peer.last.sent, []);
    Peer.last.drop(1000);
    ws.open();
    ws.close();
    pass(20_000);
    assert.equal(ws.state, 'closed');
  });
});

describe('close and open', () => {
  test('close ends it for good', () => {
    const ws = connected();
    const errors = errors_of(ws);
    const closed = mock.fn();
    const heard = mock.fn();
    ws.on('close', closed).on('e', heard);
    const socket = ws.websocket;
    assert.equal(ws.close(), ws);
    assert.deepEqual(socket.close_arguments, [1000, '']);
    assert.equal(ws.state, 'closed');
    socket.emit('e');
    socket.drop(4000);
    mock.timers.tick(60_000);
    assert.equal(heard.mock.callCount(), 0);
    assert.deepEqual(closed.mock.calls[0].arguments[1], { will_reconnect: false, delay_ms: 0 });
    assert.equal(Peer.sockets.length, 1);
    assert.equal(ws.emit('e'), false);
    assert.match(errors[0].message, /Cannot emit "e": the client is closed/);
    ws.close();
    assert.equal(ws.state, 'closed');
  });

  test('closing while connecting is no error', () => {
    const ws = connect();
    const errors = errors_of(ws);
    ws.close(4000, 'bye');
    assert.deepEqual(Peer.last.close_arguments, [4000, 'bye']);
    Peer.last.fail();
    assert.deepEqual(errors, []);
    assert.equal(ws.state, 'closed');
  });

  test('closing while waiting cancels the attempt', () => {
    const ws = connected();
    Peer.last.drop(1006);
    ws.close();
    mock.timers.tick(60_000);
    assert.equal(ws.state, 'closed');
    assert.equal(Peer.sockets.length, 1);
  });

  test('a close callback may end it', () => {
    const ws = connected();
    ws.on('close', () => ws.close());
    Peer.last.drop(1006);
    mock.timers.tick(60_000);
    assert.equal(ws.state, 'closed');
    assert.equal(Peer.sockets.length, 1);
  });

  test('a wrong close code throws and changes nothing', () => {
    const ws = connected();
    assert.throws(() => ws.close(1001), RangeError);
    assert.equal(ws.state, 'open');
    assert.ok(ws.emit('e'));
  });

  test('what waits is dropped and reported, never sent to a later session', () => {
    for (const finish of [(ws) => ws.close(), () => Peer.last.drop(4501)]) {
      const ws = connect();
      const errors = errors_of(ws);
      ws.emit('a');
      ws.emit('b');
      finish(ws);
      assert.equal(errors.length, 1);
      assert.match(errors[0].message, /2 events that waited were dropped/);
      assert.equal(ws.buffered, 0);
      ws.open();
      Peer.last.accept();
      assert.deepEqual(Peer.last.sent, []);
    }
  });

  test('open opens again after the end, and starts counting anew', () => {
    const ws = connected();
    const opened = mock.fn();
    ws.on('open', opened);
    Peer.last.drop(1006);
    mock.timers.tick(500);
    Peer.last.drop(4500);
    assert.equal(ws.open(), ws);
    assert.equal(ws.state, 'connecting');
    Peer.last.accept();
    assert.deepEqual(opened.mock.calls[0].arguments[1], { reconnected: true, attempt: 0 });
  });

  test('open in a close callback opens again', () => {
    const ws = connected();
    ws.on('close', () => ws.open());
    Peer.last.drop(1000);
    assert.equal(ws.state, 'connecting');
    Peer.last.accept();
    assert.equal(ws.state, 'open');
  });

  test('open while waiting tries at once, and only once', () => {
    const ws = connected();
    Peer.last.drop(1006);
    ws.open();
    assert.equal(Peer.sockets.length, 2);
    ws.open();
    Peer.last.accept();
    ws.open();
    mock.timers.tick(60_000);
    assert.equal(Peer.sockets.length, 2);
  });

  test('a socket still closing does not disturb the next one', () => {
    const ws = connected();
    const closed = mock.fn();
    ws.on('close', closed);
    const [first] = Peer.sockets;
    ws.close();
    ws.open();
    Peer.last.accept();
    first.drop(1000);
    assert.equal(closed.mock.callCount(), 0);
    assert.equal(ws.state, 'open');
  });
});

describe('bind', () => {
  test('gives the client to the module, and returns the module', () => {
    const ws = connect();
    const module = { bind: mock.fn() };
    assert.equal(ws.bind(module), module);
    assert.deepEqual(module.bind.mock.calls[0].arguments, [ws]);
  });

  test('refuses what is no module', () => {
    for (const module of [undefined, null, {}, 'x']) {
      assert.throws(() => connect().bind(module), { name: 'TypeError', message: /bind\(module\)/ });
    }
  });
});

describe('in a page', () => {
  let page;

  beforeEach(() => {
    page = new EventTarget();
    globalThis.addEventListener = page.addEventListener.bind(page);
    globalThis.removeEventListener = page.removeEventListener.bind(page);
    globalThis.CloseEvent = class extends Event {
      constructor(type, init) {
        super(type);
        Object.assign(this, init);
      }
    };
  });

  afterEach(() => {
    delete globalThis.addEventListener;
    delete globalThis.removeEventListener;
    delete globalThis.CloseEvent;
  });

  function transition(type, persisted) {
    page.dispatchEvent(Object.assign(new Event(type), { persisted }));
  }

  test('being online again is the moment to try', () => {
    const ws = connected();
    page.dispatchEvent(new Event('online'));
    assert.equal(Peer.sockets.length, 1);
    Peer.last.drop(1006);
    page.dispatchEvent(new Event('online'));
    assert.equal(Peer.sockets.length, 2);
    assert.equal(ws.state, 'connecting');
    mock.timers.tick(60_000);
    assert.equal(Peer.sockets.length, 2);
  });

  test('a page that is looked at again tries at once, one that is hidden does not', (t) => {
    globalThis.document = { visibilityState: 'visible' };
    t.after(() => {
      delete globalThis.document;
    });
    const see = (state) => {
      document.visibilityState = state;
      page.dispatchEvent(new Event('visibilitychange'));
    };
    const ws = connected();
    see('hidden');
    see('visible');
    assert.equal(Peer.sockets.length, 1);
    Peer.last.drop(1006);
    see('hidden');
    assert.equal(ws.state, 'waiting');
    see('visible');
    assert.equal(ws.state, 'connecting');
    ws.close();
    see('visible');
    assert.equal(Peer.sockets.length, 2);
  });

  test('a server is asked at once whether the connection has outlived what happened', (t) => {
    globalThis.document = { visibilityState: 'visible' };
    t.after(() => {
      delete globalThis.document;
    });
    let ws;
    for (const event of ['online', 'visibilitychange']) {
      ws?.close();
      ws = connected();
      const dispatch = () => page.dispatchEvent(new Event(event));
      dispatch();
      dispatch();
      assert.equal(Peer.last.sent.length, 1, event);
      Peer.last.emit('tws_pong', {});
      dispatch();
      assert.deepEqual(Peer.last.sent, [{ event: 'tws_ping' }, { event: 'tws_ping' }]);
    }
    mock.timers.tick(10_000);
    mock.timers.tick(10_000);
    assert.equal(ws.state, 'waiting');
    page.dispatchEvent(new Event('online'));
    Peer.last.accept();
    Peer.last.drop(1006);
    connected({ heartbeat_ms: 0 });
    page.dispatchEvent(new Event('online'));
    assert.deepEqual(Peer.last.sent, []);
  });

  test('an attempt made early cancels the planned one', () => {
    const ws = connected();
    Peer.last.drop(1006);
    mock.timers.tick(400);
    page.dispatchEvent(new Event('online'));
    Peer.last.accept();
    Peer.last.drop(1006);
    mock.timers.tick(999);
    assert.equal(ws.state, 'waiting');
    mock.timers.tick(1);
    assert.equal(ws.state, 'connecting');
  });

  test('nothing brings a closed client back but open', () => {
    const ws = connected();
    const closed = mock.fn();
    ws.on('close', closed).close();
    transition('pagehide', true);
    assert.equal(closed.mock.callCount(), 0);
    Peer.last.drop(1000);
    assert.equal(closed.mock.callCount(), 1);
    page.dispatchEvent(new Event('online'));
    transition('pageshow', true);
    assert.equal(Peer.sockets.length, 1);
    ws.open();
    Peer.last.drop(1006);
    page.dispatchEvent(new Event('online'));
    assert.equal(Peer.sockets.length, 3);
  });

  test('a page in the back/forward cache holds no connection and opens it again when shown', () => {
    const ws = connected();
    const closed = mock.fn();
    ws.on('close', closed);
    const [first] = Peer.sockets;
    transition('pagehide', true);
    assert.deepEqual(first.close_arguments, [1000, '']);
    assert.equal(ws.state, 'waiting');
    const [event, info] = closed.mock.calls[0].arguments;
    assert.equal(event.code, 1001);
    assert.equal(info.will_reconnect, true);
    first.drop(1000);
    assert.equal(closed.mock.callCount(), 1);
    mock.timers.tick(60_000);
    assert.equal(Peer.sockets.length, 1);
    transition('pageshow', true);
    Peer.last.accept();
    assert.equal(Peer.sockets.length, 2);
    assert.equal(ws.state, 'open');
  });

  test('a page that is left for good, or has no connection, is left alone', () => {
    const ws = connected();
    transition('pagehide', false);
    assert.equal(ws.state, 'open');
    Peer.last.drop(1006);
    transition('pagehide', true);
    assert.equal(ws.state, 'waiting');
  });

  test('without reconnection the page is not watched', () => {
    const ws = connected({ reconnect: false });
    transition('pagehide', true);
    assert.equal(ws.state, 'open');
  });
});

describe('history', () => {
  const PLAIN = 'ws://localhost:8000/ws/chat';

  /** Tell the client where it is, as a server does at the opening. */
  function place(recovered, offset, more) {
    Peer.last.emit('recovered', { recovered, epoch: 'e1', offset, socket: 's1', missed: 0, ...more });
  }

  /** Deliver an event that has more than a name. */
  function deliver(n, envelope) {
    Peer.last.deliver(JSON.stringify({ event: 'e', data: { n }, ...envelope }));
  }

  function reconnect() {
    Peer.last.drop(1006);
    mock.timers.tick(30_000);
    Peer.last.accept();
  }

  /** Return a client that is open, what it gets as `e`, and what it is told as `recovered`. */
  function followed(path = '/chat') {
    const ws = new TornadoWebSocket(path, { WebSocket: Peer });
    const got = [];
    const told = [];
    ws.on('e', ({ n }) => got.push(n)).on('recovered', (data) => told.push(data));
    Peer.last.accept();
    return { ws, got, told };
  }

  function position() {
    return new URL(Peer.last.url).searchParams.get('tws_position');
  }

  test('a client says where it was, and nothing the first time', () => {
    const { ws, told } = followed();
    assert.equal(Peer.last.url, PLAIN);
    place(null, '4-0');
    assert.deepEqual(told, []);
    deliver(1, { offset: '5-0' });
    deliver(2, { offset: '7-3' });
    reconnect();
    assert.equal(position(), 'e1:7-3:s1');
    assert.equal(ws.url, PLAIN);
  });

  test('a client that has got nothing yet knows where it is', () => {
    followed();
    place(null, '4-0');
    reconnect();
    assert.equal(position(), 'e1:4-0:s1');
  });

  test('on a path without history its address is plain', () => {
    followed();
    Peer.last.emit('e', { n: 1 });
    reconnect();
    assert.equal(Peer.last.url, PLAIN);
  });

  test('the query of the page is kept', () => {
    followed('/chat?room=a%20b&x');
    place(null, '4-0');
    reconnect();
    assert.ok(Peer.last.url.startsWith(`${PLAIN}?room=a%20b&x&tws_position=`));
    assert.equal(position(), 'e1:4-0:s1');
  });

  test('what was missed comes after the page was told, and an event comes once', () => {
    const { got, told } = followed();
    place(null, '0-0');
    deliver(1, { offset: '1-0' });
    reconnect();
    place(true, '1-0', { missed: 2, socket: 's2' });
    assert.deepEqual(told, [{ recovered: true, epoch: 'e1', offset: '1-0', socket: 's2', missed: 2 }]);
    deliver(1, { offset: '1-0' });
    deliver(2, { offset: '2-0' });
    deliver(3, { offset: '10-0' });
    deliver(2, { offset: '2-0' });
    deliver(4, { offset: '10-1' });
    assert.deepEqual(got, [1, 2, 3, 4]);
  });

  test('offsets beyond the numbers of JavaScript are told apart', () => {
    const { got } = followed();
    place(null, '0-0');
    deliver(1, { offset: '18446744073709551614-0' });
    deliver(2, { offset: '18446744073709551615-0' });
    deliver(2, { offset: '18446744073709551615-0' });
    assert.deepEqual(got, [1, 2]);
  });

  test('a new history begins at its own offset', () => {
    const { got, told } = followed();
    place(null, '50-0');
    reconnect();
    place(false, '3-0', { epoch: 'e2', socket: 's2' });
    assert.deepEqual(told.map(({ recovered }) => recovered), [false]);
    deliver(1, { offset: '4-0' });
    assert.deepEqual(got, [1]);
    reconnect();
    assert.equal(position(), 'e2:4-0:s2,s1');
  });

  test('a page is told while it is connected, too', () => {
    const { told } = followed();
    place(null, '50-0');
    Peer.last.emit('recovered', { recovered: false, epoch: 'e2', offset: '0-0', missed: 0 });
    assert.deepEqual(told, [{ recovered: false, epoch: 'e2', offset: '0-0', missed: 0 }]);
    reconnect();
    assert.equal(position(), 'e2:0-0:s1');
  });

  test('who was open before it could know where it was may have missed something', () => {
    const { told } = followed();
    reconnect();
    place(null, '3-0');
    assert.deepEqual(told.map(({ recovered }) => recovered), [false]);
  });

  test('a history whose name is not known yet tells no position', () => {
    const { told } = followed();
    place(null, '0-0', { epoch: '' });
    assert.deepEqual(told, []);
    deliver(1, { offset: '1-0' });
    reconnect();
    assert.equal(Peer.last.url, PLAIN);
    place(null, '7-0');
    assert.deepEqual(told.map(({ recovered }) => recovered), [false]);
  });

  test('the last connections are named, the newest first', () => {
    followed();
    for (let n = 1; n <= 10; n += 1) {
      place(n === 1 ? null : true, '1-0', { socket: `s${n}` });
      reconnect();
    }
    assert.equal(position(), 'e1:1-0:s10,s9,s8,s7,s6,s5,s4,s3');
  });

  test('an event that comes before its offset is known comes once, and its offset counts', () => {
    const { got } = followed();
    place(null, '1-0');
    deliver(1, { id: 'a' });
    deliver(1, { id: 'a' });
    deliver(2, { offset: '2-0' });
    deliver(1, { offset: '3-0', id: 'a' });
    deliver(3, { offset: '4-0', id: 'b' });
    assert.deepEqual(got, [1, 2, 3]);
    reconnect();
    assert.equal(position(), 'e1:4-0:s1');
  });

  test('the position is noted before the page has the event', () => {
    mock.method(console, 'error', () => {});
    const { ws } = followed();
    place(null, '1-0');
    ws.on('e', () => {
      throw new Error('mine');
    });
    deliver(1, { offset: '2-0' });
    reconnect();
    assert.equal(position(), 'e1:2-0:s1');
  });

  test('it is kept when the page closes the connection and opens it again', () => {
    const { ws } = followed();
    place(null, '1-0');
    ws.close();
    Peer.last.drop(1000);
    ws.open();
    assert.equal(position(), 'e1:1-0:s1');
  });

  test('what only looks like an offset, an id or a position is left alone', () => {
    const { ws, got, told } = followed();
    deliver(1, { offset: 5, id: 5 });
    deliver(2, { offset: 'x-1' });
    deliver(2, { offset: '1-0' });
    deliver(2, { offset: '1-0' });
    Peer.last.emit('recovered', { name: 'Ann' });
    assert.deepEqual(got, [1, 2, 2, 2]);
    assert.deepEqual(told, [{ name: 'Ann' }]);
    place(null, '1-0');
    deliver(3, { offset: null });
    assert.deepEqual(got, [1, 2, 2, 2, 3]);
    assert.equal(ws.state, 'open');
  });

  test('it remembers a bounded number of events that wait for their offset', () => {
    const { got } = followed();
    place(null, '0-0');
    for (let n = 0; n <= 10_000; n += 1) deliver(n, { id: `id${n}` });
    deliver('first, forgotten', { offset: '1-0', id: 'id0' });
    deliver('second, remembered', { offset: '2-0', id: 'id1' });
    assert.equal(got.length, 10_002);
    assert.equal(got.at(-1), 'first, forgotten');
  });
});
