import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Told } from '../../../../tws_admin/static/tws_admin/tasks/told.js';

function new_storage() {
  const items = new Map();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), items };
}

test('an end is told once in a browser, and again after a retry', () => {
  const storage = new_storage();
  const [one, other] = [new Told(() => storage), new Told(() => storage)];
  assert.ok(one.add({ id: 'a', attempt: 1 }));
  assert.ok(!one.add({ id: 'a', attempt: 1 }));
  assert.ok(!other.add({ id: 'a', attempt: 1 }));
  assert.ok(other.add({ id: 'a', attempt: 2 }));
  assert.ok(one.add({ id: 'b', attempt: 1 }));
});

test('what is remembered is bounded', () => {
  const storage = new_storage();
  const told = new Told(() => storage);
  for (let number = 0; number < 1000; number += 1) told.add({ id: String(number), attempt: 1 });
  const [text] = storage.items.values();
  assert.equal(JSON.parse(text).length, 100);
  assert.ok(!told.add({ id: '999', attempt: 1 }));
});

test('a storage that refuses, or holds something else, is done without', () => {
  const refuse = () => {
    throw new Error('SecurityError');
  };
  assert.ok(new Told(refuse).add({ id: 'a', attempt: 1 }));
  for (const text of ['{', '{}', 'null']) {
    const storage = new_storage();
    storage.items.set('tws-tasks-told', text);
    assert.ok(new Told(() => storage).add({ id: 'a', attempt: 1 }));
  }
});
