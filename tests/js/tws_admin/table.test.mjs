import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compare } from '../../../tws_admin/static/tws_admin/table.js';

const sorted = (values, is_descending) => [...values].sort((one, other) => compare(one, other, is_descending));

test('numbers are sorted as numbers and texts as texts, both ways', () => {
  assert.deepEqual(sorted([10, 9, 100], false), [9, 10, 100]);
  assert.deepEqual(sorted([10, 9, 100], true), [100, 10, 9]);
  assert.deepEqual(sorted(['/b', '/a', '/é'], false), ['/a', '/b', '/é']);
  assert.deepEqual(sorted(['/b', '/a', '/é'], true), ['/é', '/b', '/a']);
});

test('what is not known comes last, both ways', () => {
  assert.deepEqual(sorted([null, 1, undefined, 2], false), [1, 2, null, undefined]);
  assert.deepEqual(sorted([null, 1, 2], true), [2, 1, null]);
});
