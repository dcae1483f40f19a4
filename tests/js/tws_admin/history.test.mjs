import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { History, RANGES } from '../../../tws_admin/static/tws_admin/history.js';
import { rings } from './feed.mjs';

const last = (history, name, count) => history.values(name).slice(-count);

describe('every range', () => {
  for (const [range, { step_s, size }] of Object.entries(RANGES)) {
    test(`${range} has as many points as it should, whatever came`, () => {
      for (const given of [0, 3, size, size + 50]) {
        const history = new History(range, rings({ step_s, size: given, value: 1 }));
        assert.equal(history.values('events_in').length, size);
        assert.equal(history.values('unknown').length, size);
        assert.equal(history.times().length, size);
        for (let second = 1; second < 200; second += 1) history.add(1000 + second, { events_in: 2, fresh: 1 });
        assert.equal(history.values('events_in').length, size);
        assert.equal(history.values('fresh').length, size);
      }
    });
  }
});

describe('a point a second', () => {
  test('stands where its tick does', () => {
    const history = new History('10m', rings({ value: 1 }));
    history.add(1001.02, { events_in: 2, connections: 3 });
    assert.deepEqual(last(history, 'events_in', 2), [1, 2]);
    assert.deepEqual(last(history, 'p95_ms', 2), [1, null]);
    assert.equal(history.times().at(-1), 1001.02);
    assert.equal(history.times().at(-2), 1000.02);
  });

  test('is left out for the seconds that nobody measured', () => {
    const history = new History('10m', rings({ value: 1 }));
    history.add(1004, { events_in: 2 });
    assert.deepEqual(last(history, 'events_in', 5), [1, null, null, null, 2]);
  });

  test('is there for every second that a merged tick stands for', () => {
    const history = new History('10m', rings({ value: 1 }));
    history.add(1004, { events_in: 2 }, 4);
    assert.deepEqual(last(history, 'events_in', 5), [1, 2, 2, 2, 2]);
  });

  test('of ticks that come early or late is neither lost nor doubled', () => {
    const history = new History('10m', rings({ value: 0 }));
    for (const [index, time] of [1001.3, 1001.9, 1003.2, 1004].entries()) history.add(time, { events_in: index + 1 });
    assert.deepEqual(last(history, 'events_in', 5), [0, 1, 2, 3, 4]);
  });

  test('is none of those of yesterday when the page slept for a day', () => {
    const history = new History('10m', rings({ value: 1 }));
    history.add(90_000, { events_in: 2 });
    assert.deepEqual(
      history.values('events_in').filter((value) => value !== null),
      [2],
    );
  });
});

describe('a point of ten seconds', () => {
  const ten = () => new History('2h', rings({ step_s: 10, size: 720, value: 1 }));

  test('is the mean of its seconds, or the greatest, and comes with the last of them', () => {
    const history = ten();
    for (let second = 1; second <= 9; second += 1)
      history.add(1000 + second, { events_in: second, connections: second });
    assert.deepEqual(last(history, 'events_in', 1), [1]);
    history.add(1010, { events_in: 10, connections: 1 });
    assert.deepEqual(last(history, 'events_in', 2), [1, 5.5]);
    assert.deepEqual(last(history, 'connections', 2), [1, 9]);
    assert.equal(history.times().at(-1), 1010);
  });

  test('knows what is not known', () => {
    const history = ten();
    for (let second = 1; second <= 10; second += 1)
      history.add(1000 + second, { p95_ms: null, events_in: second === 5 ? 4 : null });
    assert.deepEqual(last(history, 'p95_ms', 1), [null]);
    assert.deepEqual(last(history, 'events_in', 1), [4]);
  });

  test('is left out for a time that nobody measured', () => {
    const history = ten();
    history.add(1030, { events_in: 3 });
    assert.deepEqual(last(history, 'events_in', 4), [1, null, null, 3]);
  });
});

describe('joining what was known before a restart', () => {
  test('fills the time before the new run, and leaves a gap between', () => {
    const before = new History('10m', rings({ value: 5 }));
    const after = rings({ end: 1003 });
    after.series.events_in.splice(-2, 2, 1, 1);
    const history = new History('10m', after);
    history.join(before);
    assert.deepEqual(last(history, 'events_in', 6), [5, 5, 5, null, 1, 1]);
  });

  test('leaves a gap even when the server was away for less than a second', () => {
    const before = new History('10m', rings({ value: 5 }));
    const after = rings({ end: 1001 });
    after.series.events_in.splice(-1, 1, 1);
    const history = new History('10m', after);
    history.join(before);
    assert.deepEqual(last(history, 'events_in', 3), [5, null, 1]);
  });

  test('is nothing between ranges that differ', () => {
    const history = new History('10m', rings());
    history.join(new History('2h', rings({ step_s: 10, size: 720, value: 5 })));
    assert.ok(history.values('events_in').every((value) => value === null));
  });
});
