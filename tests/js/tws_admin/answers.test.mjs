import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { with_answers, words_of_answers } from '../../../tws_admin/static/tws_admin/answers.js';

describe('how many nodes answered', () => {
  test('is told when some did not', () => {
    assert.equal(words_of_answers({ asked: 3, answered: 2 }), '2 of 3 nodes answered.');
    assert.equal(with_answers('5 connections were closed.', { asked: 3, answered: 2 }), '5 connections were closed. 2 of 3 nodes answered.');
  });

  test('is nothing to tell when all did, or nobody was asked', () => {
    assert.equal(words_of_answers({ asked: 3, answered: 3 }), '');
    assert.equal(words_of_answers(undefined), '');
    assert.equal(with_answers('Done.', undefined), 'Done.');
  });
});
