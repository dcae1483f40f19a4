import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { LOG_SIZE, State } from '../../../tws_admin/static/tws_admin/state.js';
import { rings, snapshot, tick } from './feed.mjs';

function opened(more, range) {
  const state = new State(range);
  state.snapshot(snapshot(more));
  return state;
}

const logged = (n) => ({ n, time: 1000, kind: 'warning', path: '/chat' });

describe('a snapshot', () => {
  test('takes the place of everything', () => {
    const state = opened();
    state.snapshot(snapshot({ seq: 20, paths: [{ path: '/echo' }], totals: { connections: 9 }, may: ['send'] }));
    assert.deepEqual([...state.paths.keys()], ['/echo']);
    assert.deepEqual(state.totals, { connections: 9 });
    assert.deepEqual(state.may, ['send']);
    assert.equal(state.seq, 20);
  });

  test('is not changed by the ticks that follow', () => {
    const data = snapshot();
    const state = new State();
    state.snapshot(data);
    state.tick(tick(11, { totals: { connections: 5 }, paths: [{ path: '/chat', connections: 5 }] }));
    assert.deepEqual(data, snapshot());
  });

  test('has the newest value of every series', () => {
    assert.equal(opened({ history: rings({ value: 7 }) }).rates.events_in, 7);
  });
});

describe('a tick', () => {
  test('changes what it names and nothing else', () => {
    const state = opened();
    assert.ok(state.tick(tick(11, { server: { state: 'stopping' }, totals: { connections: 3 } })));
    assert.deepEqual(state.server, { host: 'box', pid: 1, state: 'stopping' });
    assert.deepEqual(state.totals, { connections: 3, opened: 2, events_in: 100 });
    assert.equal(state.paths.get('/chat').connections, 2);
    assert.equal(state.seq, 11);
  });

  test('changes paths by their name and events by theirs', () => {
    const state = opened();
    const events = [
      { event: 'message', calls: 101 },
      { event: 'join', calls: 1, errors: 1 },
    ];
    state.tick(
      tick(11, {
        paths: [
          { path: '/chat', connections: 3, events },
          { path: '/new', connections: 0 },
        ],
      }),
    );
    const chat = state.paths.get('/chat');
    assert.equal(chat.connections, 3);
    assert.deepEqual(chat.events.get('message'), { event: 'message', calls: 101, errors: 0 });
    assert.deepEqual(chat.events.get('join'), { event: 'join', calls: 1, errors: 1 });
    assert.deepEqual([...state.paths.keys()], ['/chat', '/new']);
  });

  test('takes away what is gone, at every depth', () => {
    const state = opened({
      bars: [
        { path: '/a', name: 'x', value: 1 },
        { path: '/b', name: 'x', value: 2 },
      ],
    });
    state.tick(tick(11, { bars: [{ path: '/a', name: 'x', gone: true }] }));
    assert.deepEqual([...state.bars.values()], [{ path: '/b', name: 'x', value: 2 }]);
    state.tick(tick(12, { paths: [{ path: '/chat', events: [{ event: 'message', gone: true }] }] }));
    assert.equal(state.paths.get('/chat').events.size, 0);
    state.tick(tick(13, { paths: [{ path: '/chat', gone: true }] }));
    assert.equal(state.paths.size, 0);
  });

  test('changes tasks by their id', () => {
    const state = opened({
      tasks: [
        { id: 'a', state: 'running', done: 1 },
        { id: 'b', state: 'queued' },
      ],
    });
    const tasks = [
      { id: 'b', gone: true },
      { id: 'a', done: 2 },
      { id: 'c', state: 'queued' },
    ];
    state.tick(tick(11, { tasks }));
    assert.deepEqual([...state.tasks.values()], [
      { id: 'a', state: 'running', done: 2 },
      { id: 'c', state: 'queued' },
    ]);
  });

  test('may stand for several', () => {
    const state = opened();
    assert.ok(state.tick(tick(15, { since: 10, totals: { connections: 4 } })));
    assert.equal(state.seq, 15);
  });

  test('is passed over when the snapshot has it already', () => {
    const state = opened();
    assert.ok(state.tick(tick(10, { totals: { connections: 99 } })));
    assert.ok(state.tick(tick(8, { totals: { connections: 99 } })));
    assert.equal(state.totals.connections, 2);
  });

  test('that follows a missed one asks for a snapshot and changes nothing', () => {
    const state = opened();
    assert.equal(state.tick(tick(12, { totals: { connections: 99 } })), false);
    assert.equal(state.totals.connections, 2);
    assert.equal(state.seq, 10);
  });

  test('of another run of the server asks for a snapshot', () => {
    assert.equal(opened().tick(tick(11, { epoch: 'second' })), false);
    assert.equal(new State().tick(tick(11)), false);
  });

  test('passes over keys that it does not know', () => {
    assert.ok(opened().tick(tick(11, { weather: 'fine' })));
  });

  test('survives names that objects have of their own', () => {
    const state = opened();
    state.tick(
      tick(11, {
        paths: [
          { path: '__proto__', connections: 1 },
          { path: 'constructor', connections: 2 },
        ],
      }),
    );
    assert.equal(state.paths.get('__proto__').connections, 1);
    assert.equal({}.connections, undefined);
  });
});

describe('what a path does per second', () => {
  test('is its growth over the time between two ticks', () => {
    const state = opened();
    assert.equal(state.paths.get('/chat').rates.events_in, null);
    state.tick(tick(11, { time: 1001, paths: [{ path: '/chat', events_in: 200 }] }));
    assert.equal(state.paths.get('/chat').rates.events_in, 100);
    state.tick(tick(15, { since: 11, time: 1005, paths: [{ path: '/chat', events_in: 300 }] }));
    assert.equal(state.paths.get('/chat').rates.events_in, 25);
    state.tick(tick(16, { time: 1006 }));
    assert.equal(state.paths.get('/chat').rates.events_in, 0);
  });

  test('is not known, and never negative, after a restart of the server', () => {
    const state = opened();
    state.snapshot(snapshot({ epoch: 'second', seq: 0, time: 1005, paths: [{ path: '/chat', events_in: 3 }] }));
    assert.equal(state.paths.get('/chat').rates.events_in, null);
    state.tick(tick(1, { epoch: 'second', time: 1006, paths: [{ path: '/chat', events_in: 5 }] }));
    assert.equal(state.paths.get('/chat').rates.events_in, 2);
  });
});

describe('the log', () => {
  test('keeps the newest 500', () => {
    const state = opened({ lifecycle: Array.from({ length: 400 }, (_, index) => logged(index + 1)) });
    for (let seq = 11; seq < 21; seq += 1) {
      const first = 401 + (seq - 11) * 50;
      state.tick(tick(seq, { lifecycle: Array.from({ length: 50 }, (_, index) => logged(first + index)) }));
    }
    assert.equal(state.lifecycle.length, LOG_SIZE);
    assert.equal(state.lifecycle[0].n, 401);
    assert.equal(state.lifecycle.at(-1).n, 900);
  });

  test('says how many did not fit into a tick, before those that did', () => {
    const state = opened({ lifecycle: [logged(1)] });
    state.tick(tick(11, { lifecycle: [logged(33), logged(34)], more: 31 }));
    assert.deepEqual(
      state.lifecycle.map(({ kind, n, count }) => [kind, n, count]),
      [
        ['warning', 1, undefined],
        ['more', 1.5, 31],
        ['warning', 33, undefined],
        ['warning', 34, undefined],
      ],
    );
  });

  test('has no event twice', () => {
    const state = opened({ lifecycle: [logged(1), logged(2)] });
    state.tick(tick(11, { lifecycle: [logged(2), logged(3)] }));
    assert.deepEqual(
      state.lifecycle.map(({ n }) => n),
      [1, 2, 3],
    );
  });
});

describe('the chosen range', () => {
  test('gets its points from the answer, and from no other', () => {
    const state = opened();
    state.choose('2h');
    assert.equal(state.history.end, 1000); // until they come, it is the present time that is empty
    state.take_history('10m', rings({ value: 1 }));
    assert.ok(state.history.values('events_in').every((value) => value === null));
    state.take_history('2h', rings({ step_s: 10, size: 720, value: 2 }));
    assert.ok(state.history.values('events_in').every((value) => value === 2));
  });

  test('outlives a snapshot that has the rings of another one', () => {
    const state = opened();
    state.choose('2h');
    state.take_history('2h', rings({ step_s: 10, size: 720, value: 2 }));
    state.snapshot(snapshot({ seq: 30, history: rings({ value: 1 }) }));
    assert.equal(state.history.step_s, 10);
    assert.equal(state.history.values('events_in').at(-1), 2);
  });

  test('keeps what was before a restart, with a gap, and no rate of it is negative', () => {
    const state = opened({ history: rings({ value: 5 }) });
    const after = rings({ end: 1010 });
    after.series.events_in.splice(-3, 3, 1, 1, 1);
    state.snapshot(snapshot({ epoch: 'second', seq: 3, time: 1010, history: after }));
    const values = state.history.values('events_in');
    assert.deepEqual(values.slice(-14), [5, 5, 5, 5, null, null, null, null, null, null, null, 1, 1, 1]);
    assert.equal(values.length, 600);
  });
});

test('an hour of ticks leaves no more behind than ten minutes do', () => {
  const state = opened();
  const size = () => JSON.stringify([[...state.history.series], state.lifecycle, [...state.paths]]).length;
  const sizes = [];
  for (let second = 1; second <= 3600; second += 1) {
    const rates = { connections: second % 10, events_in: 100, p95_ms: null };
    const n = 10_000 + second;
    assert.ok(
      state.tick(
        tick(10 + second, {
          rates,
          time: 1_000 + second,
          lifecycle: [{ ...logged(n), id: 'x'.repeat(20) }],
          paths: [{ path: '/chat', events_in: 1_000_000 + second }],
        }),
      ),
    );
    if (second % 600 === 0) sizes.push(size());
  }
  assert.equal(state.history.values('events_in').length, 600);
  assert.equal(state.lifecycle.length, LOG_SIZE);
  assert.ok(Math.abs(sizes.at(-1) - sizes[0]) < sizes[0] * 0.02, String(sizes));
});

describe('nodes', () => {
  const node = (id, more = {}) => ({ id, name: `box:${id}`, state: 'serving', connections: 1, ...more });

  test('come, change and go', () => {
    const state = new State();
    state.snapshot(snapshot({ nodes: [node('a'), node('b')] }));
    assert.equal(state.node, null);
    state.tick(tick(11, { nodes: [{ id: 'a', gone: true }, { id: 'b', state: 'stale' }] }));
    assert.deepEqual([...state.nodes.values()], [node('b', { state: 'stale' })]);
  });

  test('are none where there is one process alone', () => {
    const state = new State();
    state.snapshot(snapshot());
    assert.equal(state.nodes.size, 0);
  });

  test('have a history of their own', () => {
    const state = new State();
    state.snapshot(snapshot({ history: rings({ value: 7 }) }));
    const own = rings({ value: null });
    own.series.connections[599] = 1;
    state.snapshot(snapshot({ epoch: 'second', node: 'b', history: own }));
    assert.equal(state.node, 'b');
    assert.deepEqual(state.history.values('connections').slice(-2), [null, 1]);
    assert.equal(state.history.values('events_in').filter((value) => value !== null).length, 0);
  });
});
