import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rules_of } from '../../../tws_admin/static/tws_admin/paths.js';

test('who may open a path is said in words, and nothing where everybody may', () => {
  assert.deepEqual(rules_of(), []);
  assert.deepEqual(rules_of({ login_required: false, permission: null, origins: [], require_origin: false }), []);
  assert.deepEqual(rules_of({ login_required: true }), ['login']);
  assert.deepEqual(rules_of({ login_required: true, permission: 'app.see' }), ['permission app.see']);
  assert.deepEqual(rules_of({ origins: ['https://a.example', 'https://b.example'], require_origin: true }), [
    'pages of https://a.example, https://b.example',
    'browsers only',
  ]);
});
