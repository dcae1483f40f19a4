import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';

import {
  EngineBootstrap,
  EngineHtml5,
} from '../../tornado_websockets/static/tornado_websockets/modules/progress_bar.mjs';
import { new_document } from './dom.mjs';

const START = { min: 0, max: 100, value: 0, label: null, progress: 0, indeterminate: false, done: false };
const HALF = { ...START, min: 10, max: 30, value: 20, progress: 50, label: 'Copying' };
const MOVING = { ...START, indeterminate: true, label: 'Thinking' };
const ENGINES = [EngineHtml5, EngineBootstrap];

let document;
let container;

beforeEach(() => {
  document = new_document();
  globalThis.document = document;
  [container] = document.body.children;
});

afterEach(() => {
  delete globalThis.document;
});

function names(element) {
  return element.children.map((child) => [...child.classList][0]);
}

for (const Engine of ENGINES) {
  describe(Engine.name, () => {
    const make = (options, state) => {
      const engine = new Engine(container, options);
      if (state) engine.render(state);
      return engine;
    };
    const text = (name) => container.find(`tws-progress-${name}`).textContent;

    test('goes into an element or what a selector finds', () => {
      new Engine(container);
      new Engine('#container');
      assert.deepEqual(names(container), ['tws-progress', 'tws-progress']);
    });

    test('says which container is missing', () => {
      assert.throws(() => new Engine('#nowhere'), { message: /selector "#nowhere"/ });
      for (const wrong of [null, undefined, {}, 3]) {
        assert.throws(() => new Engine(wrong), { name: 'TypeError', message: /container must be/ });
      }
    });

    test('shows label and value', () => {
      make({}, HALF);
      assert.deepEqual([text('label'), text('value')], ['Copying', '50%']);
      assert.deepEqual(names(container.find('tws-progress')), [
        'tws-progress-label', 'tws-progress-row', 'tws-progress-status',
      ]);
      assert.equal(container.find('tws-progress-row').children.at(-1), container.find('tws-progress-value'));
    });

    test('puts them where the options say', () => {
      make({ label: { position: 'bottom' }, value: { position: 'left' } }, HALF);
      assert.deepEqual(names(container.find('tws-progress')), [
        'tws-progress-row', 'tws-progress-label', 'tws-progress-status',
      ]);
      assert.equal(container.find('tws-progress-row').children[0], container.find('tws-progress-value'));
    });

    test('hides them where the options say, and still tells screen readers the value', () => {
      const engine = make({ label: { visible: false }, value: { visible: false } }, HALF);
      assert.equal(container.find('tws-progress-label'), null);
      assert.equal(container.find('tws-progress-value'), null);
      assert.equal(engine.bar.getAttribute('aria-valuetext'), '50%');
      assert.equal(engine.bar.getAttribute('aria-labelledby'), null);
      assert.equal(engine.bar.getAttribute('aria-label'), 'Progress');
    });

    test('refuses an unknown position, listing those it knows', () => {
      assert.throws(() => make({ label: { position: 'left' } }), {
        name: 'TypeError', message: 'options.label.position must be one of top, bottom, got left',
      });
      assert.throws(() => make({ value: { position: 'top' } }), {
        name: 'TypeError', message: /options\.value\.position must be one of right, left/,
      });
    });

    test('formats the value', () => {
      for (const [format, expected] of [
        ['{{progress}}%', '50%'],
        ['{{ value }} of {{max}} from {{min}}', '20 of 30 from 10'],
        ['{{progress}} {{progress}} {{unknown}} $&', '50 50 {{unknown}} $&'],
      ]) {
        const engine = make({ value: { format } }, HALF);
        assert.equal(engine.bar.getAttribute('aria-valuetext'), expected);
      }
    });

    test('rounds, and keeps 100 for the end', () => {
      const engine = make();
      for (const [progress, expected] of [[0.4, '0%'], [33.333, '33%'], [99.9, '99%'], [100, '100%']]) {
        engine.render({ ...START, progress });
        assert.equal(text('value'), expected);
      }
    });

    test('a text of the server is text, whatever it looks like', () => {
      make({}, { ...HALF, label: '<img src=x onerror=alert(1)>' });
      assert.equal(text('label'), '<img src=x onerror=alert(1)>');
      assert.equal(container.find('tws-progress-label').children.length, 0);
    });

    test('an empty label names nothing', () => {
      const engine = make({}, HALF);
      assert.equal(engine.bar.getAttribute('aria-labelledby'), container.find('tws-progress-label').id);
      engine.render({ ...HALF, label: null });
      assert.equal(text('label'), '');
      assert.equal(engine.bar.getAttribute('aria-labelledby'), null);
    });

    test('a given name stays the name, and the label describes', () => {
      const engine = make({ aria_label: 'Import' }, HALF);
      assert.equal(engine.bar.getAttribute('aria-label'), 'Import');
      assert.equal(engine.bar.getAttribute('aria-labelledby'), null);
      assert.equal(engine.bar.getAttribute('aria-describedby'), container.find('tws-progress-label').id);
    });

    test('two engines have labels of their own', () => {
      make({}, HALF);
      make({}, HALF);
      const [one, two] = container.children.map((root) => root.find('tws-progress-label').id);
      assert.notEqual(one, two);
    });

    test('labels are read in their own direction', () => {
      make();
      assert.equal(container.find('tws-progress-label').getAttribute('dir'), 'auto');
    });

    test('announces the end only, once, and takes it back', () => {
      const engine = make({ done_text: 'Fertig' });
      const status = container.find('tws-progress-status');
      assert.equal(status.getAttribute('role'), 'status');
      for (let value = 1; value <= 100; value += 1) engine.render({ ...START, value, progress: value });
      assert.deepEqual([status.textContent, status.writes], ['', 0]);
      for (let n = 0; n < 2; n += 1) engine.render({ ...START, value: 100, progress: 100, done: true });
      assert.deepEqual([status.textContent, status.writes], ['Fertig', 1]);
      assert.ok(engine.root.classList.contains('tws-progress-done'));
      engine.render(START);
      assert.equal(status.textContent, '');
      assert.ok(!engine.root.classList.contains('tws-progress-done'));
      assert.equal(container.find('tws-progress-value').getAttribute('aria-hidden'), 'true');
    });

    test('says Done when nothing else is said', () => {
      make({}, { ...START, done: true });
      assert.equal(text('status'), 'Done');
    });

    test('an indeterminate bar claims no value', () => {
      const engine = make({}, HALF);
      engine.render(MOVING);
      assert.equal(text('value'), '');
      assert.equal(text('label'), 'Thinking');
      assert.ok(engine.root.classList.contains('tws-progress-indeterminate'));
      for (const name of ['value', 'aria-valuetext', 'aria-valuenow', 'aria-valuemin', 'aria-valuemax']) {
        assert.equal(engine.bar.getAttribute(name), null, name);
      }
      engine.render({ ...MOVING, done: true, progress: 100 });
      assert.equal(text('value'), '100%');
      assert.ok(!engine.root.classList.contains('tws-progress-indeterminate'));
    });

    test('destroy takes it off the page', () => {
      make().destroy();
      assert.deepEqual(container.children, []);
    });
  });
}

describe('the <progress> element', () => {
  test('counts to a hundred', () => {
    const engine = new EngineHtml5(container);
    assert.equal(engine.bar.localName, 'progress');
    assert.equal(engine.bar.getAttribute('max'), '100');
    engine.render(HALF);
    assert.equal(engine.bar.getAttribute('value'), '50');
  });

  test('has no inside', () => {
    assert.throws(() => new EngineHtml5(container, { value: { position: 'inside' } }), {
      message: 'options.value.position must be one of right, left, got inside',
    });
  });
});

describe("Bootstrap's markup", () => {
  test('is a progressbar with its values', () => {
    const engine = new EngineBootstrap(container);
    engine.render(HALF);
    assert.ok(engine.bar.classList.contains('progress'));
    for (const [name, value] of [
      ['role', 'progressbar'],
      ['aria-label', 'Progress'],
      ['aria-valuemin', '10'],
      ['aria-valuemax', '30'],
      ['aria-valuenow', '20'],
    ]) {
      assert.equal(engine.bar.getAttribute(name), value, name);
    }
    const fill = engine.bar.find('progress-bar');
    assert.equal(fill.style.width, '50%');
    assert.ok(!fill.classList.contains('progress-bar-animated'));
  });

  test('moves when indeterminate, and fills when that is done', () => {
    const engine = new EngineBootstrap(container);
    const fill = engine.bar.find('progress-bar');
    engine.render(MOVING);
    assert.ok(fill.classList.contains('progress-bar-striped') && fill.classList.contains('progress-bar-animated'));
    assert.equal(fill.style.width, '100%');
    engine.render({ ...MOVING, done: true, progress: 100 });
    assert.ok(!fill.classList.contains('progress-bar-striped'));
    assert.equal(engine.bar.getAttribute('aria-valuenow'), '100');
    assert.equal(engine.bar.getAttribute('aria-valuemax'), '100');
  });

  test('takes the value inside', () => {
    const engine = new EngineBootstrap(container, { value: { position: 'inside' } });
    engine.render(HALF);
    assert.equal(engine.bar.find('progress-bar').textContent, '50%');
    assert.deepEqual(names(container.find('tws-progress-row')), ['progress']);
  });
});
