import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';

import { TornadoWebSocket } from '../../tornado_websockets/static/tornado_websockets/client.mjs';
import {
  EngineBootstrap,
  EngineHtml5,
  ModuleProgressBar,
} from '../../tornado_websockets/static/tornado_websockets/modules/progress_bar.mjs';
import { new_peer } from './peer.mjs';

let Peer;
let ws;

beforeEach(() => {
  Peer = new_peer();
  ws = new TornadoWebSocket('/module_progressbar', { WebSocket: Peer, reconnect_delay_ms: 0 });
  Peer.last.accept();
});

afterEach(() => {
  ws.close();
});

/** Send an event as the server's ProgressBar does: with `before_` and `after_`, done alone. */
function serve(event, data, name = 'foo') {
  const prefix = name ? `module_progressbar_${name}_` : 'module_progressbar_';
  if (event !== 'done') Peer.last.emit(`${prefix}before_${event}`, {});
  Peer.last.emit(prefix + event, data);
  if (event !== 'done') Peer.last.emit(`${prefix}after_${event}`, {});
}

function bound(name = 'foo') {
  return ws.bind(new ModuleProgressBar(name));
}

function recorder() {
  const states = [];
  return { states, render: (state) => states.push(state) };
}

describe('construction', () => {
  test('works with and without new', () => {
    for (const progress of [new ModuleProgressBar('foo'), ModuleProgressBar('foo')]) {
      assert.ok(progress instanceof ModuleProgressBar);
      assert.equal(progress.constructor, ModuleProgressBar);
      assert.equal(progress.name, 'foo');
    }
    assert.equal(ModuleProgressBar().name, '');
  });

  test('a name that is no string is refused', () => {
    assert.throws(() => ModuleProgressBar(3), { name: 'TypeError', message: /name must be/ });
  });

  test('the engines are at hand on the class, on instances and as exports', () => {
    assert.equal(ModuleProgressBar.EngineHtml5, EngineHtml5);
    assert.equal(ModuleProgressBar.EngineBootstrap, EngineBootstrap);
    assert.equal(ModuleProgressBar().EngineHtml5, EngineHtml5);
    assert.equal(ModuleProgressBar().EngineBootstrap, EngineBootstrap);
  });

  test('before the server said anything it is at the start', () => {
    const { min, max, value, label, progress, indeterminate, done } = ModuleProgressBar();
    assert.deepEqual(
      { min, max, value, label, progress, indeterminate, done },
      { min: 0, max: 100, value: 0, label: null, progress: 0, indeterminate: false, done: false },
    );
  });
});

describe('the state', () => {
  test('follows init, update and done', () => {
    const progress = bound();
    serve('init', { indeterminate: false, min: 10, max: 30, value: 15, label: 'Copying' });
    assert.deepEqual([progress.min, progress.max, progress.value], [10, 30, 15]);
    assert.deepEqual([progress.label, progress.progress], ['Copying', 25]);
    serve('update', { value: 20, label: null });
    assert.deepEqual([progress.label, progress.progress], [null, 50]);
    serve('update', { value: 30, label: 'Last' });
    assert.deepEqual([progress.progress, progress.done], [100, false]);
    serve('done', {});
    assert.equal(progress.done, true);
    assert.equal(progress.label, 'Last');
  });

  test('init begins anew at any time', () => {
    const progress = bound();
    serve('init', { indeterminate: false, min: 0, max: 10, value: 10, label: 'x' });
    serve('done', {});
    assert.deepEqual([progress.done, progress.progress], [true, 100]);
    serve('init', { indeterminate: false, min: 0, max: 10, value: 0 });
    assert.deepEqual([progress.done, progress.progress, progress.label], [false, 0, null]);
  });

  test('an indeterminate bar has no progress until it is done', () => {
    const progress = bound();
    serve('init', { indeterminate: true, label: 'Thinking' });
    assert.deepEqual([progress.indeterminate, progress.progress, progress.label], [true, 0, 'Thinking']);
    serve('update', { label: 'Still thinking' });
    assert.equal(progress.label, 'Still thinking');
    serve('done', {});
    assert.equal(progress.progress, 100);
  });

  test('min equal to max is no division by zero', () => {
    const progress = bound();
    serve('init', { indeterminate: false, min: 5, max: 5, value: 5 });
    assert.equal(progress.progress, 0);
    serve('done', {});
    assert.equal(progress.progress, 100);
  });

  test('values stay between min and max', () => {
    const progress = bound();
    serve('init', { indeterminate: false, min: 0, max: 10, value: -3 });
    assert.deepEqual([progress.value, progress.progress], [0, 0]);
    serve('update', { value: 99 });
    assert.deepEqual([progress.value, progress.progress], [10, 100]);
  });

  test('what is missing or no number changes nothing', () => {
    const progress = bound();
    serve('init', {});
    assert.deepEqual([progress.min, progress.max, progress.value], [0, 100, 0]);
    serve('update', { value: 40, label: 7 });
    serve('update', { value: 'many' });
    serve('update', {});
    assert.deepEqual([progress.value, progress.label], [40, '7']);
  });

  test('every step of a hundred is exact', () => {
    const progress = bound();
    serve('init', { indeterminate: false, min: 0, max: 100, value: 0 });
    for (let value = 1; value <= 100; value += 1) {
      serve('update', { value, label: null });
      assert.equal(progress.progress, value);
    }
  });
});

describe('names on the wire', () => {
  test('carry the name of the bar, and no double underscore without one', () => {
    bound('foo').emit('start');
    bound('').emit('start', { n: 1 });
    assert.deepEqual(Peer.last.sent, [
      { event: 'module_progressbar_foo_start', data: {} },
      { event: 'module_progressbar_start', data: { n: 1 } },
    ]);
  });

  test('keep two bars of one socket apart', () => {
    const [foo, unnamed] = [bound('foo'), bound('')];
    serve('init', { min: 0, max: 10, value: 5 }, 'foo');
    serve('init', { min: 0, max: 10, value: 1 }, '');
    assert.deepEqual([foo.value, unnamed.value], [5, 1]);
  });
});

describe('callbacks', () => {
  test('run in the order of the server, after state and engine', () => {
    const calls = [];
    const progress = ModuleProgressBar('foo');
    progress.on('update', () => calls.push(`update ${progress.value}`));
    ws.bind(progress);
    progress.set_engine({ render: ({ value }) => calls.push(`engine ${value}`) });
    for (const event of ['before_init', 'init', 'after_init', 'before_update', 'after_update', 'done']) {
      assert.equal(progress.on(event, () => calls.push(event)), progress);
    }
    calls.length = 0;
    serve('init', { min: 0, max: 2, value: 1 });
    serve('update', { value: 2 });
    serve('done', {});
    assert.deepEqual(calls, [
      'before_init', 'engine 1', 'init', 'after_init',
      'before_update', 'engine 2', 'update 2', 'after_update',
      'engine 2', 'done',
    ]);
  });

  test('get the data of any event of the bar', () => {
    const callback = mock.fn();
    bound().on('custom', callback);
    Peer.last.emit('module_progressbar_foo_custom', { a: 1 });
    assert.deepEqual(callback.mock.calls[0].arguments, [{ a: 1 }]);
  });

  test('off removes one or all of the page, and never the bar itself', () => {
    const [one, two] = [mock.fn(), mock.fn()];
    const progress = ModuleProgressBar('foo');
    progress.on('update', one).on('update', two).off('update', one).off('unknown').off('unknown', one);
    ws.bind(progress);
    serve('update', { value: 1 });
    assert.equal(progress.off('update'), progress);
    serve('update', { value: 2 });
    assert.deepEqual([one.mock.callCount(), two.mock.callCount()], [0, 1]);
    assert.equal(progress.value, 2);
  });

  test('wrong arguments are refused', () => {
    for (const args of [['update'], [3, () => {}], ['', () => {}]]) {
      assert.throws(() => ModuleProgressBar().on(...args), { name: 'TypeError', message: /on\(event, callback\)/ });
    }
  });
});

describe('binding', () => {
  test('is needed to emit', () => {
    assert.throws(() => ModuleProgressBar().emit('start'), /ws\.bind\(progress\)/);
    assert.equal(bound().emit('start'), true);
  });

  test('works from either side', () => {
    const progress = ModuleProgressBar('foo');
    assert.equal(progress.bind(ws), progress);
    serve('update', { value: 3 });
    assert.equal(progress.value, 3);
  });

  test('to another socket leaves the first', () => {
    const progress = bound();
    const callback = mock.fn();
    progress.on('update', callback);
    const [first] = Peer.sockets;
    const other = new TornadoWebSocket('/other', { WebSocket: Peer });
    Peer.last.accept();
    other.bind(progress);
    first.emit('module_progressbar_foo_update', { value: 1 });
    assert.equal(progress.value, 0);
    serve('update', { value: 2 });
    assert.equal(progress.value, 2);
    assert.equal(callback.mock.callCount(), 1);
    progress.emit('start');
    assert.deepEqual([first.sent.length, Peer.last.sent.length], [0, 1]);
    other.close();
  });

  test('survives a reconnection, where the server sends init again', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const progress = bound();
    serve('init', { min: 0, max: 10, value: 2 });
    Peer.last.drop(1006);
    t.mock.timers.tick(0);
    Peer.last.accept();
    assert.equal(Peer.sockets.length, 2);
    serve('init', { min: 0, max: 10, value: 8 });
    assert.equal(progress.value, 8);
  });

  test('to what is no socket is refused', () => {
    for (const socket of [undefined, null, {}]) {
      assert.throws(() => ModuleProgressBar().bind(socket), { name: 'TypeError', message: /bind\(socket\)/ });
    }
  });
});

describe('the engine', () => {
  test('is brought to the current state whenever it comes', () => {
    const progress = bound();
    serve('init', { min: 0, max: 10, value: 5, label: 'Half' });
    const engine = recorder();
    assert.equal(progress.set_engine(engine), progress);
    assert.deepEqual(engine.states, [
      { min: 0, max: 10, value: 5, label: 'Half', progress: 50, indeterminate: false, done: false },
    ]);
    assert.ok(Object.isFrozen(engine.states[0]));
  });

  test('makes place for another, or for none', () => {
    const progress = bound();
    const first = { ...recorder(), destroy: mock.fn() };
    const second = recorder();
    progress.set_engine(first).set_engine(first);
    assert.equal(first.destroy.mock.callCount(), 0);
    progress.set_engine(second);
    assert.equal(first.destroy.mock.callCount(), 1);
    progress.set_engine(null);
    serve('update', { value: 1 });
    assert.deepEqual([first.states.length, second.states.length], [2, 1]);
  });

  test('that throws does not keep the page from hearing', () => {
    const reported = mock.method(console, 'error', () => {});
    const progress = bound();
    let broken = false;
    progress.set_engine({
      render() {
        if (broken) throw new Error('mine');
      },
    });
    broken = true;
    const callback = mock.fn();
    progress.on('update', callback);
    serve('update', { value: 1 });
    reported.mock.restore();
    assert.equal(callback.mock.callCount(), 1);
    assert.equal(progress.value, 1);
    assert.equal(reported.mock.calls[0].arguments[0].message, 'mine');
  });

  test('that cannot render is refused', () => {
    for (const engine of [undefined, {}, 'html5', EngineHtml5]) {
      assert.throws(() => ModuleProgressBar().set_engine(engine), { name: 'TypeError', message: /render\(state\)/ });
    }
  });
});
