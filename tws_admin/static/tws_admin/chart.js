/** The charts of the history: lines over time with a common cross-hair, and the numbers under it in their tables. */

import uPlot from './vendor/uplot/uPlot.esm.js';

import { element, set_text } from './dom.js';

const HEIGHT = 180;
const SYNC = 'tws-dashboard';
const WHOLE_STEPS = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));
const DASHES = [undefined, [6, 4], [2, 3]]; // lines differ in more than colour

/** Read a colour of the admin's theme, as it is now. */
const colour = (node, name) => getComputedStyle(node).getPropertyValue(name).trim();

class Chart {
  #root;
  #format;
  #series; // {name, write, scale, value (node)}
  #moment; // the time under the cross-hair
  #plot;
  #history = null;
  #rates = {};

  constructor(root, format) {
    this.#root = root;
    this.#format = format;
    this.#series = [...root.querySelectorAll('[data-tws-value^="rates."]')].map((value, index) => {
      value.closest('tr').cells[0].prepend(element('span', { class: `tws-swatch tws-series-${index + 1}` }));
      const { twsStyle: scale, twsValue } = value.dataset;
      return { name: twsValue.slice('rates.'.length), scale, write: format[scale], value };
    });
    this.#moment = element('span', { class: 'tws-number quiet', 'aria-hidden': 'true' });
    root.querySelector('figcaption').append(this.#moment);
    const place = root.querySelector('[data-tws-plot]');
    this.#plot = new uPlot(this.#options(place), [[], ...this.#series.map(() => [])], place);
    new ResizeObserver(() => this.#resize(place)).observe(place);
  }

  show({ history, rates }) {
    this.#history = history;
    this.#rates = rates;
    this.#plot.setData([history.times(), ...this.#series.map(({ name }) => history.values(name))]);
    this.#show_values();
  }

  /** Draw anew, with the colours of the theme that is on now. */
  redraw() {
    this.#plot.redraw(false);
  }

  /** Show the values under the cross-hair; without one the newest. */
  #show_values() {
    const { idx } = this.#plot.cursor;
    const is_pointed = idx !== null && idx !== undefined && this.#history !== null;
    set_text(this.#moment, is_pointed ? this.#format.clock(this.#plot.data[0][idx]) : '');
    for (const { name, write, value } of this.#series) {
      set_text(value, write(is_pointed ? this.#history.values(name)[idx] : this.#rates[name]));
    }
  }

  #resize(place) {
    if (place.clientWidth > 0) this.#plot.setSize({ width: place.clientWidth, height: HEIGHT });
  }

  #options(place) {
    const themed = (name) => () => colour(this.#root, name);
    const scales = [...new Set(this.#series.map(({ scale }) => scale))];
    const axis = { stroke: themed('--body-quiet-color'), ticks: { show: false }, font: '11px sans-serif', size: 56 };
    const grid = { stroke: themed('--hairline-color'), width: 1 };
    return {
      width: Math.max(place.clientWidth, 100),
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: SYNC, setSeries: false }, drag: { x: false, y: false }, points: { size: 5 } },
      hooks: { setCursor: [() => this.#show_values()] },
      scales: {
        x: { time: true },
        ...Object.fromEntries(scales.map((scale) => [scale, { range: (_plot, _low, high) => [0, top_of(high)] }])),
      },
      axes: [
        { ...axis, grid, size: 28, space: 70, values: (_plot, times) => times.map(this.#format.clock) },
        ...scales.map((scale, index) => ({
          ...axis,
          scale,
          side: index === 0 ? 3 : 1,
          grid: index === 0 ? grid : { show: false },
          incrs: scale === 'number' ? WHOLE_STEPS : undefined,
          values: (_plot, values) => values.map(this.#format[scale]),
        })),
      ],
      series: [
        {},
        ...this.#series.map(({ name, scale }, index) => ({
          label: name,
          scale,
          stroke: themed(`--tws-series-${index + 1}`),
          dash: DASHES[index],
          width: 1.5,
          points: { show: false },
        })),
      ],
    };
  }
}

/** Return where an axis ends: a little above the greatest value, and never at nothing. */
function top_of(greatest) {
  return greatest > 0 ? greatest * 1.1 : 1;
}

/** All charts of the page. */
export class Charts {
  #charts;

  constructor(root, format) {
    this.#charts = [...root.querySelectorAll('[data-tws-chart]')].map((node) => new Chart(node, format));
    const redraw = () => this.redraw();
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ['data-theme', 'class'] });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  }

  show(state) {
    for (const chart of this.#charts) chart.show(state);
  }

  redraw() {
    for (const chart of this.#charts) chart.redraw();
  }
}
