import assert from 'node:assert/strict';
import { describe as group, test } from 'node:test';

import { Format } from '../../../tws_admin/static/tws_admin/format.js';
import { describe } from '../../../tws_admin/static/tws_admin/lifecycle.js';

const format = new Format('en');
const opened = { n: 1, time: 1, kind: 'connection_opened', path: '/chat', id: 'x', ip: '127.0.0.1', user: null };

group('what the log says of an event', () => {
  for (const [entry, expected] of [
    [{ kind: 'server_started', path: null }, ''],
    [opened, '127.0.0.1'],
    [{ ...opened, user: 'ann' }, 'ann'],
    [{ ...opened, kind: 'connection_closed', code: 1000, reason: '', duration_s: 61 }, '127.0.0.1, 1000, 1 min 1 s'],
    [{ kind: 'callback_failed', id: 'x', user: 'ann', event: 'join', error: 'ValueError' }, 'ann, join, ValueError'],
    [{ kind: 'progress_started', name: 'work', label: null }, 'work'],
    [{ ...opened, node: 'web1:7' }, '127.0.0.1, web1:7'],
    [{ kind: 'action', by: 'ann', what: 'disconnect', count: 0 }, 'ann, disconnect, 0'],
  ]) {
    test(`${entry.kind}: ${expected || 'nothing'}`, () => assert.equal(describe(entry, format), expected));
  }
});
