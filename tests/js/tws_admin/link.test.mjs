import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';

import { TornadoWebSocket } from '../../../tornado_websockets/static/tornado_websockets/client.mjs';
import { Link, Refused } from '../../../tws_admin/static/tws_admin/link.js';
import { new_peer } from '../peer.mjs';

let Peer;
let link;
let make_link;
let seen;
let polled; // what a fetch of a snapshot gives, or throws
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
  make_link = (node) => new Link({ Client, poll, node, now: () => now });
  link = make_link();
  for (const event of ['state', 'snapshot', 'tick', 'history', 'gone']) link.on(event, (data) => seen.push([event, data]));
});

afterEach(() => {
  link.close();
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
  Peer.last.emit('snapshot', { seq: 1 });
}

const states = () => seen.filter(([event]) => event === 'state').map(([, state]) => state);

describe('how things stand', () => {
  test('is live once the server has spoken, and every event comes through', () => {
    Peer.last.accept();
    assert.equal(link.state, 'reconnecting');
    Peer.last.emit('snapshot', { seq: 1 });
    Peer.last.emit('tick', { seq: 2 });
    assert.equal(link.state, 'live');
    assert.deepEqual(seen, [
      ['state', 'live'],
      ['snapshot', { seq: 1 }],
      ['tick', { seq: 2 }],
    ]);
  });

  test('is reconnecting when the connection is lost, stale after a while, live again', async () => {
    go_live();
    Peer.last.drop(1006);
    assert.equal(link.state, 'reconnecting');
    await pass(7);
    assert.equal(link.state, 'stale');
    go_live();
    assert.deepEqual(states(), ['live', 'reconnecting', 'stale', 'live']);
  });

  test('is stale when the connection is open and nothing comes', async () => {
    go_live();
    await pass(7);
    assert.equal(link.state, 'stale');
  });

  test('is ended when the session is, and nothing is tried any more', async () => {
    go_live();
    Peer.last.drop(4501);
    assert.equal(link.state, 'ended');
    await pass(60);
    assert.equal(Peer.sockets.length, 1);
    assert.equal(link.state, 'ended');
  });
});

describe('where WebSockets are blocked', () => {
  test('snapshots are fetched every five seconds, and it says so', async () => {
    polled = [{ data: { seq: 1 } }, { data: { seq: 6 } }];
    for (let second = 0; second < 11; second += 1) {
      if (Peer.last.readyState === 0) Peer.last.fail();
      await pass(1);
    }
    assert.equal(link.state, 'polling');
    assert.deepEqual(
      seen.filter(([event]) => event === 'snapshot').map(([, { seq }]) => seq),
      [1, 6],
    );
    while (Peer.last.readyState !== 0) await pass(1);
    go_live();
    assert.equal(link.state, 'live');
  });

  test('it is stale when HTTP fails as well', async () => {
    polled = [{ data: { seq: 1 } }];
    Peer.last.fail();
    await pass(20);
    assert.deepEqual(states(), ['polling', 'stale']);
  });

  test('it is ended when HTTP asks to log in', async () => {
    polled = [{ data: null }];
    Peer.last.fail();
    await pass(8);
    assert.equal(link.state, 'ended');
  });
});

describe('the pace', () => {
  test('is slow while the page is hidden, also on a new connection', () => {
    go_live();
    link.is_visible = false;
    link.is_visible = true;
    assert.deepEqual(Peer.last.sent, [
      { event: 'pace', data: { every_s: 10 } },
      { event: 'pace', data: { every_s: 1 } },
    ]);
    link.is_visible = false;
    Peer.last.drop(1006);
    mock.timers.tick(5000);
    Peer.last.accept();
    assert.deepEqual(Peer.last.sent, [{ event: 'pace', data: { every_s: 10 } }]);
  });

  test('is no reason to call a hidden page stale', async () => {
    go_live();
    link.is_visible = false;
    await pass(12);
    assert.equal(link.state, 'live');
  });
});

describe('a question', () => {
  test('gets the answer with its id', async () => {
    go_live();
    const first = link.ask('connections', { page: 1 });
    const second = link.ask('connections', { page: 2 });
    const [{ data: one }, { data: two }] = Peer.last.sent;
    Peer.last.emit('connections', { id: two.id, page: 2 });
    Peer.last.emit('connections', { id: one.id, page: 1 });
    assert.equal((await first).page, 1);
    assert.equal((await second).page, 2);
  });

  test('is rejected with what the server says', async () => {
    go_live();
    const answer = link.ask('send', {});
    Peer.last.emit('refused', { id: Peer.last.sent[0].data.id, code: 'read_only', message: 'No.' });
    await assert.rejects(
      answer,
      (error) => error instanceof Refused && error.code === 'read_only' && error.message === 'No.',
    );
  });

  test('is rejected without a connection, when it is lost, and when nothing comes', async () => {
    await assert.rejects(link.ask('connections'), /no connection/);
    go_live();
    const silent = link.ask('connections');
    mock.timers.tick(10_000);
    await assert.rejects(silent, /did not answer/);
    const lost = link.ask('connections');
    Peer.last.drop(1006);
    await assert.rejects(lost, /was lost/);
  });
});

test('a snapshot is asked for once, until it has come', async () => {
  go_live();
  link.resync('2h');
  link.resync('2h');
  assert.equal(Peer.last.sent.length, 1);
  const [{ event, data }] = Peer.last.sent;
  assert.deepEqual([event, data.range], ['snapshot', '2h']);
  Peer.last.emit('snapshot', { id: data.id, seq: 5 });
  await settle();
  link.resync('2h');
  assert.equal(Peer.last.sent.length, 2);
});

describe('one node among several', () => {
  const asked = () => Peer.last.sent.filter(({ event }) => event === 'watch').map(({ data }) => data);
  const shown = () => seen.filter(([event]) => event !== 'state');

  test('is watched from its snapshot on; what is on its way of before is passed over', async () => {
    go_live();
    seen = [];
    const watching = link.watch('b', '2h');
    const [{ id, ...question }] = asked();
    assert.deepEqual(question, { node: 'b', range: '2h' });
    Peer.last.emit('tick', { seq: 2 });
    Peer.last.emit('snapshot', { seq: 2 });
    Peer.last.emit('snapshot', { seq: 9, id });
    Peer.last.emit('tick', { seq: 10 });
    await watching;
    assert.equal(link.node, 'b');
    assert.deepEqual(shown(), [
      ['snapshot', { seq: 9, id }],
      ['tick', { seq: 10 }],
    ]);
  });

  test('is asked for again when the connection is another one', async () => {
    link.close();
    link = make_link('b');
    Peer.last.accept();
    assert.equal(asked().at(-1).node, 'b');
    Peer.last.emit('snapshot', { seq: 1 });
    assert.equal(link.state, 'live');
    Peer.last.drop(1006);
    await settle();
    assert.equal(link.node, 'b');
  });

  test('that is not there gives way to all', async () => {
    go_live();
    seen = [];
    const watching = link.watch('b');
    Peer.last.emit('refused', { id: asked()[0].id, code: 'not_found', message: 'There is no node b any more.' });
    await watching;
    assert.equal(link.node, null);
    assert.deepEqual(shown(), [['gone', 'b']]);
    assert.equal(asked().at(-1).node, null);
    Peer.last.emit('snapshot', { seq: 3, id: asked().at(-1).id });
    assert.equal(shown().at(-1)[0], 'snapshot');
  });

  test('that has gone meanwhile has no snapshot, and gives way to all', async () => {
    go_live();
    const watching = link.watch('b');
    Peer.last.emit('snapshot', { seq: 9, id: asked()[0].id });
    await watching;
    link.resync('10m');
    const [{ data }] = Peer.last.sent.filter(({ event }) => event === 'snapshot').slice(-1);
    Peer.last.emit('refused', { id: data.id, code: 'not_found', message: 'There is no node b any more.' });
    await settle();
    assert.equal(link.node, null);
    assert.deepEqual(shown().at(-1), ['gone', 'b']);
  });

  test('is kept in mind while there is no connection', async () => {
    await link.watch('b');
    assert.equal(link.node, 'b');
    Peer.last.accept();
    assert.equal(asked().at(-1).node, 'b');
  });
});
