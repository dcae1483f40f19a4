import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Format } from '../../../../tws_admin/static/tws_admin/format.js';
import * as words from '../../../../tws_admin/static/tws_admin/tasks/words.js';
import { NOW, row } from './rows.mjs';

const format = new Format('en');

describe('a state in words', () => {
  for (const [more, expected] of [
    [{}, 'running'],
    [{ wish: 'pause' }, 'pausing…'],
    [{ state: 'paused' }, 'paused'],
    [{ state: 'cancelling' }, 'cancelling…'],
    [{ state: 'partial' }, 'partly succeeded'],
    [{ state: 'lost' }, 'lost'],
    [{ state: 'queued', created: NOW - 10 }, 'queued'],
    [{ state: 'queued', created: NOW - 11 }, 'waits for a worker'],
    [{ state: 'queued', created: NOW - 500, wished: NOW - 5 }, 'queued'],
    [{ state: 'of tomorrow' }, 'of tomorrow'],
  ]) {
    test(`${JSON.stringify(more)} is "${expected}"`, () => {
      assert.equal(words.words_of_state(row(more), NOW), expected);
    });
  }
});

describe('how far a run is', () => {
  for (const [done, total, expected] of [
    [40, 100, '40 of 100'],
    [0, 0, '0 of 0'],
    [1200, null, '1,200'],
    [1200, 1000, '1,200 (expected 1,000)'],
  ]) {
    test(`${done} and ${total} is "${expected}"`, () => {
      assert.equal(words.words_of_count(row({ done, total }), format), expected);
    });
  }

  test('is in the bar as well, which is never beyond its end', () => {
    assert.deepEqual(words.bar_of(row()), { value: 40, max: 100 });
    assert.deepEqual(words.bar_of(row({ done: 120 })), { value: 100, max: 100 });
  });

  test('is nowhere in the bar while nobody knows, and the bar stands still when the work does', () => {
    assert.equal(words.bar_of(row({ total: null })), null);
    assert.equal(words.bar_of(row({ total: null, state: 'cancelling' })), null);
    assert.deepEqual(words.bar_of(row({ total: null, state: 'paused' })), { value: 0, max: 1 });
    assert.deepEqual(words.bar_of(row({ total: null, state: 'succeeded' })), { value: 1, max: 1 });
    assert.deepEqual(words.bar_of(row({ total: 0, state: 'running' })), { value: 0, max: 1 });
    assert.deepEqual(words.bar_of(row({ total: null, state: 'failed' })), { value: 0, max: 1 });
  });

  test('is told with how long it took, and takes', () => {
    assert.equal(words.duration_of(row(), NOW), 90);
    assert.equal(words.duration_of(row({ state: 'failed', ended: NOW - 50 }), NOW), 40);
    assert.equal(words.duration_of(row({ started: NOW + 1 }), NOW), 0);
  });
});

test('errors are counted in words, and none are not mentioned', () => {
  assert.equal(words.words_of_errors(row(), format), '');
  assert.equal(words.words_of_errors(row({ errors: 1 }), format), '1 error');
  assert.equal(words.words_of_errors(row({ errors: 1200 }), format), '1,200 errors');
});

describe('what does not get on', () => {
  const notice = (more) => words.notice_of(row(more), format, NOW);

  test('is stalled after a minute, when it runs', () => {
    assert.equal(notice({ progressed: NOW - 59 }), null);
    const { kind, text } = notice({ progressed: NOW - 60 });
    assert.equal(kind, 'stalled');
    assert.match(text, /^stalled since \d\d:\d\d$/);
    assert.equal(notice({ progressed: NOW - 500, state: 'paused' }), null);
    assert.equal(notice({ progressed: null }), null);
  });

  test('does not ask whether it is to end or to pause', () => {
    const text = 'not acknowledged for 45 s: the work does not ask';
    for (const asked of [{ state: 'cancelling' }, { wish: 'pause' }]) {
      assert.equal(notice({ ...asked, wished: NOW - 30, progressed: NOW - 500 }), null);
      assert.deepEqual(notice({ ...asked, wished: NOW - 45.5 }), { kind: 'unanswered', text });
      assert.equal(notice({ ...asked, wished: null }), null);
    }
  });
});

test('what can be asked of a run goes by its state', () => {
  const verbs = (more) => words.verbs_of(row(more));
  assert.deepEqual(verbs({}), ['pause', 'cancel']);
  assert.deepEqual(verbs({ wish: 'pause' }), ['resume', 'cancel']);
  assert.deepEqual(verbs({ state: 'queued' }), ['cancel']);
  assert.deepEqual(verbs({ state: 'paused' }), ['resume', 'cancel']);
  for (const state of ['cancelled', 'failed', 'lost']) assert.deepEqual(verbs({ state }), ['retry']);
  assert.deepEqual(verbs({ state: 'partial' }), ['retry_failed']);
  for (const state of ['cancelling', 'succeeded', 'of tomorrow']) assert.deepEqual(verbs({ state }), []);
});
