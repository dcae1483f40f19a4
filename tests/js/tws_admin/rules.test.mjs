import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { FOLDER, SCRIPTS } from './scripts.mjs';

const read = (name) => readFileSync(new URL(name, FOLDER));
const MAX_LINES = 260;

/** What would read a text as something else than text, or is against a strict Content-Security-Policy. */
const FORBIDDEN =
  /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc|\beval\(|new Function|'style'|cssText/;

/** uPlot 1.6.32, as the npm registry has it. */
const VENDORED = {
  'vendor/uplot/uPlot.esm.js': '5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba',
  'vendor/uplot/uPlot.min.css': 'df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04',
  'vendor/uplot/LICENSE': '8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd',
};

describe('the scripts of the pages', () => {
  for (const name of SCRIPTS) {
    const source = read(name).toString();
    test(`${name} makes nodes of text alone`, () => assert.doesNotMatch(source, FORBIDDEN));
    test(`${name} is short`, () => assert.ok(source.split('\n').length <= MAX_LINES));
  }
});

describe('the style sheets have no colour but the admin’s', () => {
  for (const [name, expected] of [
    ['dashboard.css', ['rgb(']], // the shade behind a dialog
    ['tasks/tasks.css', []],
    ['tasks/details.css', []],
  ]) {
    test(name, () => {
      const colours = read(name).toString().match(/#[\da-f]{3,8}\b|\b(?:rgba?|hsla?)\(/gi) ?? [];
      assert.deepEqual(colours, expected);
    });
  }
});

describe('what is vendored', () => {
  for (const [name, digest] of Object.entries(VENDORED)) {
    test(`${name} is unmodified`, () => assert.equal(createHash('sha256').update(read(name)).digest('hex'), digest));
  }
});
