import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { FOLDER, SCRIPTS } from './scripts.mjs';

const CATALOG = new URL('../../../tws_admin/locale/fr/LC_MESSAGES/djangojs.po', import.meta.url);

/** The texts of a source, as makemessages finds them. */
function texts_of(source) {
  const literal = String.raw`'((?:[^'\\]|\\.)*)'`;
  const calls = new RegExp(String.raw`\bn?gettext\(\s*${literal}(?:,\s*${literal})?`, 'g');
  return [...source.matchAll(calls)].map(([, singular]) => singular.replaceAll("\\'", "'"));
}

/** The texts of a catalogue that have a translation, with it. */
function translations_of(catalogue) {
  const found = new Map();
  for (const entry of catalogue.split(/\n\n+/)) {
    const lines = entry.split('\n').filter((line) => !line.startsWith('#'));
    const read = (keyword) => {
      const start = lines.findIndex((line) => line.startsWith(`${keyword} "`));
      if (start < 0) return '';
      const end = lines.findIndex((line, index) => index > start && !line.startsWith('"'));
      const parts = lines
        .slice(start, end < 0 ? undefined : end)
        .map((line) => JSON.parse(line.slice(line.indexOf('"'))));
      return parts.join('');
    };
    if (!entry.includes('#, fuzzy')) found.set(read('msgid'), read('msgstr') || read('msgstr[0]'));
  }
  return found;
}

describe('the texts of the page', () => {
  const translations = translations_of(readFileSync(CATALOG, 'utf8'));
  for (const file of SCRIPTS) {
    const texts = texts_of(readFileSync(new URL(file, FOLDER), 'utf8'));
    if (texts.length === 0) continue;
    test(`${file} is in French as well, with the same places for values`, () => {
      for (const text of texts) {
        assert.ok(translations.get(text), `no translation of ${JSON.stringify(text)}`);
        const places = (of) => [...of.matchAll(/%\(\w+\)s/g)].map(String).sort();
        assert.deepEqual(places(translations.get(text)), places(text), text);
      }
    });
  }
});
