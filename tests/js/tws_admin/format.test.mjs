import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import { Format, NONE } from '../../../tws_admin/static/tws_admin/format.js';
import { interpolate } from '../../../tws_admin/static/tws_admin/text.js';

const english = new Format('en');
const french = new Format('fr');
const plain = (text) => text.replace(/\s/g, ' ');

afterEach(() => {
  delete globalThis.gettext;
});

describe('numbers with their units', () => {
  for (const [style, value, expected] of [
    ['number', 0, '0'],
    ['number', 12345, '12,345'],
    ['number', 0.333, '0.33'],
    ['number', 12.34, '12.3'],
    ['rate', 0, '0/s'],
    ['rate', 9.96, '9.96/s'],
    ['rate', 100.4, '100/s'],
    ['bytes', 0, '0 byte'],
    ['bytes', 999, '999 byte'],
    ['bytes', 1500, '1.5 kB'],
    ['bytes', 999_600, '1 MB'],
    ['bytes', 3e9, '3 GB'],
    ['bytes', 2e18, '2,000,000 TB'],
    ['byte_rate', 2048, '2.05 kB/s'],
    ['byte_rate', 0.4, '0 byte/s'],
    ['ms', 0, '0 ms'],
    ['ms', 0.4213, '0.42 ms'],
    ['ms', 12.34, '12.3 ms'],
    ['ms', 1234.5, '1.23 s'],
    ['duration', 0, '0 s'],
    ['duration', 59.9, '59 s'],
    ['duration', 61, '1 min 1 s'],
    ['duration', 3600, '1 h'],
    ['duration', 90_061, '1 d 1 h'],
    ['duration', 86_405, '1 d'],
    ['duration', -3, '0 s'],
  ]) {
    test(`${style} of ${value} is ${expected}`, () => assert.equal(plain(english[style](value)), expected));
  }

  test('are written as the language of the page does', () => {
    assert.equal(plain(french.number(12345)), '12 345');
    assert.equal(plain(french.ms(0.42)), '0,42 ms');
    assert.equal(new Format('not a language').number(1234), '1,234');
    assert.equal(new Format('').number(1234), '1,234');
  });

  test('have units in the language of the page', () => {
    globalThis.gettext = (text) => ({ '%(amount)s MB': '%(amount)s Mo' })[text] ?? text;
    assert.equal(plain(french.bytes(2_500_000)), '2,5 Mo');
  });
});

test('what is not known is a dash, in every style', () => {
  for (const value of [null, undefined, NaN, Infinity, '7']) {
    for (const style of Object.keys(english)) assert.equal(english[style](value), NONE, style);
  }
});

test('times are those of the clock where the reader is', () => {
  const time = new Date(2026, 1, 3, 14, 3, 59).getTime() / 1000;
  assert.equal(english.time(time), '14:03');
  assert.equal(english.clock(time), '14:03:59');
  assert.equal(english.clock(new Date(2026, 1, 3, 0, 0, 0).getTime() / 1000), '00:00:00');
  assert.match(plain(english.moment(time)), /Feb 3, 2026.* 14:03:59/);
});

test('values go into the places of a text as they are', () => {
  assert.equal(interpolate('%(a)s and %(b)s', { a: '%(b)s', b: '$&' }), '%(b)s and $&');
  assert.equal(interpolate('%(constructor)s', {}), '%(constructor)s');
});
