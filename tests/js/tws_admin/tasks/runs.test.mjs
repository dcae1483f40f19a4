import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { has_ended, is_turn, Runs } from '../../../../tws_admin/static/tws_admin/tasks/runs.js';
import { NOW, row } from './rows.mjs';

const known = (...rows) => {
  const runs = new Runs();
  for (const each of rows) runs.take(each);
  return runs;
};

describe('a list of the server', () => {
  test('is taken from its oldest run on, and tells what was known', () => {
    const old = row({ done: 1 });
    const changes = known(old).take_list({ tasks: [row({ id: 'b' }), row()] });
    assert.deepEqual(
      changes.map(({ row: { id }, before }) => [id, before?.done]),
      [
        ['a', 1],
        ['b', undefined],
      ],
    );
  });

  test('says what time it is for the server', () => {
    const runs = new Runs();
    assert.equal(runs.now(500), 500);
    runs.take_list({ tasks: [], time: NOW }, 500);
    assert.equal(runs.now(510), NOW + 10);
    runs.take_list({ tasks: [] }, 600);
    assert.equal(runs.now(510), NOW + 10);
  });

  test('leaves alone what it does not name', () => {
    const runs = known(row());
    runs.take_list({ tasks: [row({ id: 'b', state: 'failed' })] });
    assert.equal(runs.get('a').done, 40);
  });
});

describe('an answer, read from the database', () => {
  const answer = (runs, more) => runs.take_answer(row(more), runs.moment).row;

  test('does not take back the numbers that the work has told since', () => {
    const taken = answer(known(row({ done: 50, label: 'Emma' })), { done: 40, wish: 'pause' });
    assert.deepEqual([taken.done, taken.label, taken.wish], [50, 'Emma', 'pause']);
  });

  test('counts where the work begins anew, or is over', () => {
    assert.equal(answer(known(row({ done: 50 })), { done: 0, attempt: 2 }).done, 0);
    assert.equal(answer(known(row({ done: 50 })), { done: 40, state: 'cancelled' }).done, 40);
    assert.equal(answer(new Runs(), {}).done, 40);
  });

  test('is older than the turn that the work has told of while it was on its way', () => {
    const runs = known(row());
    const asked = runs.moment;
    runs.take(row({ state: 'cancelling' }));
    const ended = row({ state: 'cancelled' });
    runs.take(ended);
    assert.deepEqual(runs.take_answer(row({ state: 'cancelling' }), asked), { row: ended, before: ended });
    assert.equal(runs.get('a').state, 'cancelled');
  });

  test('is older than a run that has begun, and ended, while it was on its way', () => {
    const runs = new Runs();
    const asked = runs.moment;
    runs.take(row({ state: 'succeeded' }));
    assert.equal(runs.take_answer(row({ state: 'queued' }), asked).row.state, 'succeeded');
  });

  test('is not older than progress', () => {
    const runs = known(row());
    const asked = runs.moment;
    runs.take(row({ done: 60 }));
    assert.equal(runs.take_answer(row({ state: 'cancelling' }), asked).row.state, 'cancelling');
  });
});

test('a run has ended when it was seen at work before', () => {
  const ended = row({ state: 'failed' });
  assert.ok(has_ended({ row: ended, before: row() }));
  assert.ok(!has_ended({ row: ended, before: undefined }));
  assert.ok(!has_ended({ row: ended, before: ended }));
  assert.ok(!has_ended({ row: row(), before: ended }));
});

test('a change of state, of what is wished, or of the attempt is told; progress is not', () => {
  const before = row();
  for (const more of [{ state: 'paused' }, { wish: 'pause' }, { attempt: 2 }]) {
    assert.ok(is_turn({ row: row(more), before }));
  }
  assert.ok(!is_turn({ row: row({ done: 41, label: 'Emma' }), before }));
  assert.ok(!is_turn({ row: row(), before: undefined }));
});
