import assert from 'node:assert/strict';
import { test } from 'node:test';

import { outline } from '../../../tws_admin/static/tws_admin/sparkline.js';

test('a line goes from the first value to the last, between foot and top', () => {
  assert.equal(outline([0, 10, 5]), 'M0.0 23.0L50.0 1.0L100.0 12.0');
});

test('a line is broken where there is no value', () => {
  assert.equal(outline([1, null, 1]).match(/M/g).length, 2);
  assert.equal(outline([null, null]), '');
  assert.equal(outline([]), '');
});

test('a line of zeros lies at the foot', () => {
  assert.equal(outline([0, 0]), 'M0.0 23.0L100.0 23.0');
});

test('a burst of one point is seen among 1440', () => {
  const values = new Array(1440).fill(0);
  values[700] = 50;
  const data = outline(values);
  assert.equal(data.match(/[ML]/g).length, 60);
  assert.ok(data.includes(' 1.0'));
});
