import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ask } from '../../../../tws_admin/static/tws_admin/tasks/control.js';
import { fetch_json } from '../../../../tws_admin/static/tws_admin/tasks/fetching.js';

const answer = (body, options = {}) => {
  const found = Response.json(body, options);
  return Object.defineProperty(found, 'redirected', { value: options.redirected ?? false });
};

test('an answer is what the server says, also when that is no', async () => {
  let asked;
  const fetch = async (url, options) => {
    asked = [url, options.method, options.headers.Accept];
    return answer({ task: { id: 'a' } });
  };
  assert.deepEqual(await ask('/control/', null, fetch), { ok: true, task: { id: 'a' }, error: undefined });
  assert.deepEqual(asked, ['/control/', 'POST', 'application/json']);
  const refused = await ask('/', null, async () => answer({ error: 'No.', task: { id: 'a' } }, { status: 409 }));
  assert.deepEqual(refused, { ok: false, task: { id: 'a' }, error: 'No.' });
});

test('a page in place of an answer is none: the form is sent as forms are', async () => {
  const page = async () => new Response('<html>', { headers: { 'Content-Type': 'text/html' }, status: 403 });
  await assert.rejects(ask('/', null, page), /expected JSON, got status 403/);
  await assert.rejects(
    ask('/', null, async () => answer({}, { redirected: true })),
    /expected JSON/,
  );
});

test('JSON is fetched, or null when the admin asks to log in, or an error with its status', async () => {
  assert.deepEqual(await fetch_json('/', async () => answer({ tasks: [] })), { tasks: [] });
  assert.equal(await fetch_json('/', async () => answer({}, { status: 403 })), null);
  assert.equal(await fetch_json('/', async () => answer({}, { redirected: true })), null);
  await assert.rejects(
    fetch_json('/', async () => answer({}, { status: 404 })),
    ({ status }) => status === 404,
  );
});
