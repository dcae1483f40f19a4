import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';

import { TornadoWebSocket } from '../../../../tornado_websockets/static/tornado_websockets/client.mjs';
import { Watch } from '../../../../tws_admin/static/tws_admin/tasks/watch.js';
import { new_peer } from '../../peer.mjs';

let Peer;
let watch;
let seen;
let polled; // what a fetch of the list gives, or throws
let now;

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  mock.method(Math, 'random', () => 1);
  Peer = new_peer();
  seen = [];
  polled = [];
  now = 0;
  const Client = function Client(path, options) {
    return new TornadoWebSocket(path, { ...options, WebSocket: Peer });
  };
  const poll = async () => {
    const answer = polled.shift();
    if (answer instanceof Error || answer === undefined) throw answer ?? new Error('away');
    return answer.data;
  };
  watch = new Watch({ Client, path: '/tasks', poll, now: () => now });
  for (const event of ['state', 'tasks', 'task']) watch.on(event, (data) => seen.push([event, data]));
});

afterEach(() => {
  watch.close();
  mock.timers.reset();
  mock.restoreAll();
});

const settle = () => new Promise((resolve) => setImmediate(resolve));

async function pass(seconds) {
  for (let second = 0; second < seconds; second += 1) {
    now += 1;
    mock.timers.tick(1000);
    await settle();
  }
}

function go_live() {
  Peer.last.accept();
  Peer.last.emit('tasks', { tasks: [] });
}

const told = (wanted) => seen.filter(([event]) => event === wanted).map(([, data]) => data);

describe('an open connection', () => {
  test('is live once the server has spoken, and rows come through', () => {
    go_live();
    Peer.last.emit('task', { id: 'a' });
    assert.deepEqual(seen, [
      ['state', 'live'],
      ['tasks', { tasks: [] }],
      ['task', { id: 'a' }],
    ]);
  });

  test('whose list is asked for and does not come is no longer live, and the list is fetched', async () => {
    go_live();
    watch.ask();
    watch.ask();
    assert.deepEqual(Peer.last.sent, [{ event: 'tasks', data: {} }]);
    polled = [{ data: { tasks: ['fetched'] } }];
    await pass(5);
    assert.equal(watch.state, 'live');
    await pass(1);
    assert.deepEqual(told('state'), ['live', 'reconnecting', 'polling']);
    assert.deepEqual(told('tasks').at(-1), { tasks: ['fetched'] });
    Peer.last.emit('task', { id: 'a' });
    assert.equal(watch.state, 'live');
    watch.ask();
    assert.equal(Peer.last.sent.length, 2);
  });

  test('whose first list does not come is not waited for', async () => {
    Peer.last.accept();
    polled = [{ data: { tasks: ['fetched'] } }];
    await pass(5);
    assert.deepEqual(told('tasks'), []);
    await pass(1);
    assert.deepEqual(told('tasks'), [{ tasks: ['fetched'] }]);
    assert.equal(watch.state, 'polling');
  });

  test('that has broken without a word is given up, and the list is fetched meanwhile', async () => {
    go_live();
    await pass(29);
    assert.equal(watch.state, 'live');
    polled = [{ data: { tasks: ['fetched'] } }];
    await pass(4);
    assert.deepEqual(told('state'), ['live', 'reconnecting', 'polling']);
    assert.deepEqual(told('tasks').at(-1), { tasks: ['fetched'] });
    assert.equal(Peer.sockets.length, 2);
    go_live();
    assert.equal(watch.state, 'live');
  });
});

describe('where WebSockets are blocked', () => {
  test('the list is fetched after three seconds, then every five, until one opens', async () => {
    polled = [{ data: { tasks: [1] } }, { data: { tasks: [2] } }];
    for (let second = 0; second < 9; second += 1) {
      if (Peer.last.readyState === 0) Peer.last.fail();
      await pass(1);
      assert.equal(told('tasks').length, now < 3 ? 0 : now < 8 ? 1 : 2, `after ${now} s`);
    }
    assert.equal(watch.state, 'polling');
    while (Peer.last.readyState !== 0) await pass(1);
    go_live();
    assert.equal(watch.state, 'live');
  });

  test('and HTTP fails as well, the server is away', async () => {
    go_live();
    Peer.last.drop(1006);
    await pass(4);
    assert.deepEqual(told('state'), ['live', 'reconnecting', 'away']);
    await pass(1);
    go_live();
    assert.equal(watch.state, 'live');
  });

  test('a list that comes later than the connection is passed over', async () => {
    let answer;
    polled = [{ data: new Promise((resolve) => (answer = resolve)) }];
    await pass(4);
    now += 1;
    go_live();
    answer({ tasks: ['old'] });
    await settle();
    assert.deepEqual(told('tasks'), [{ tasks: [] }]);
    assert.equal(watch.state, 'live');
  });
});

describe('the session has ended', () => {
  test('says the server by its close code, and nothing is tried any more', async () => {
    go_live();
    Peer.last.drop(4501);
    await pass(60);
    assert.equal(watch.state, 'ended');
    assert.equal(Peer.sockets.length, 1);
  });

  test('says HTTP, that asks to log in', async () => {
    polled = [{ data: null }];
    Peer.last.fail();
    await pass(4);
    assert.equal(watch.state, 'ended');
  });
});
