import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { object_of, Target } from '../../../tws_admin/static/tws_admin/actions.js';

describe('the data of an event that is sent', () => {
  test('is an object, an empty one when nothing is written', () => {
    assert.deepEqual(object_of('{"a": [1, null]}'), { a: [1, null] });
    assert.deepEqual(object_of(' '), {});
  });

  for (const wrong of ['[1]', 'null', '"text"', '1']) {
    test(`is refused when it is ${wrong}`, () =>
      assert.throws(() => object_of(wrong), /must be a JSON object, such as/));
  }

  test('is refused when it is no JSON, and says where', () => {
    assert.throws(() => object_of('{a: 1}'), /The data must be JSON: .+/);
  });
});

test('a target is named, and asked for by the key of its kind', () => {
  assert.deepEqual(new Target('path', '/chat').data, { path: '/chat' });
  assert.equal(new Target('path', '/chat').words, 'path /chat');
  assert.deepEqual(new Target('user', '7', 'ann').data, { user: '7' });
  assert.equal(new Target('user', '7', 'ann').words, 'user ann');
  assert.equal(new Target('connection', 'x').words, 'connection x');
});
