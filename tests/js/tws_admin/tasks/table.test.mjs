import assert from 'node:assert/strict';
import { test } from 'node:test';

import { in_order } from '../../../../tws_admin/static/tws_admin/tasks/table.js';
import { NOW, row } from './rows.mjs';

test('what is at work stands in front, the newest first', () => {
  const runs = [
    row({ id: 'ended', state: 'failed', created: NOW }),
    row({ id: 'old', created: NOW - 50 }),
    row({ id: 'new', state: 'queued', created: NOW - 5 }),
    row({ id: 'ended before', state: 'succeeded', created: NOW - 100 }),
  ];
  assert.deepEqual(
    in_order(runs).map(({ id }) => id),
    ['new', 'old', 'ended', 'ended before'],
  );
});
