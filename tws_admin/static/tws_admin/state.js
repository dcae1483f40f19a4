/** What the feed has told so far. Knows neither the page nor the connection. */

import { History, RANGES } from './history.js';

export const LOG_SIZE = 500;

/** Counters of a path whose growth per second the page shows. */
const RATES = ['events_in', 'events_out', 'bytes_in', 'bytes_out', 'errors'];

export class State {
  epoch = null;
  seq = -1;
  time = null;
  server = {};
  totals = {};
  paths = new Map(); // path → its object of the feed, with `events` by event, and `rates`
  bars = new Map(); // path and name → its object of the feed
  tasks = new Map(); // id → its object of the feed
  nodes = new Map(); // id → its object of the feed; none where there is one process alone
  node = null; // id of the only node that all this is of; null is all
  lifecycle = []; // the oldest first; `{kind: 'more', count}` stands for what did not fit into a tick
  may = [];
  rates = {}; // the newest point of every series, whatever the range
  history;

  #last = 0; // number of the newest event of the log

  constructor(range = '10m') {
    this.history = new History(range);
  }

  get range() {
    return this.history.range;
  }

  /** Take a `snapshot` in place of everything. */
  snapshot(data) {
    const is_other_run = data.epoch !== this.epoch;
    const before = this.paths;
    // What others have measured is no past of this one.
    if ((data.node ?? null) !== this.node) this.history = new History(this.range);
    const elapsed_s = is_other_run ? 0 : data.time - this.time;
    const { epoch, seq, time, server, totals, may = [], lifecycle = [], node = null } = data;
    Object.assign(this, { epoch, seq, time, server: { ...server }, totals: { ...totals }, may, node });
    this.paths = new Map();
    this.bars = new Map();
    this.tasks = new Map();
    this.nodes = new Map();
    merge(this.paths, data.paths ?? [], (path) => path.path, new_path, merge_path);
    merge(this.bars, data.bars ?? [], key_of_bar);
    merge(this.tasks, data.tasks ?? [], (task) => task.id);
    merge(this.nodes, data.nodes ?? [], (node) => node.id);
    this.#count_rates(before, elapsed_s);
    this.lifecycle = lifecycle.slice(-LOG_SIZE);
    this.#last = lifecycle.at(-1)?.n ?? 0;
    if (data.history) this.#take_rings(data.history);
    this.rates = Object.fromEntries([...this.history.series].map(([name, values]) => [name, values.at(-1)]));
  }

  /** Take a `history`, or what a snapshot has of it; rings of another range than the chosen one are passed over. */
  take_history(range, rings) {
    if (range === this.range) this.#take_rings(rings);
  }

  /** Choose another range: its points come with `take_history`. */
  choose(range) {
    this.history = new History(range, { end: this.time ?? 0, series: {} });
  }

  /**
   * Apply a `tick`.
   *
   * @returns {boolean} False when it follows one that did not come here, or is of another run of the server: a
   *   snapshot is needed.
   */
  tick(data) {
    if (data.epoch !== this.epoch || data.since > this.seq) return false;
    if (data.seq <= this.seq) return true; // on its way while a snapshot was made, which has it
    const elapsed_s = data.time - this.time;
    const seconds = data.seq - this.seq;
    Object.assign(this.server, data.server);
    Object.assign(this.totals, data.totals);
    merge(this.paths, data.paths ?? [], (path) => path.path, new_path, merge_path);
    merge(this.bars, data.bars ?? [], key_of_bar);
    merge(this.tasks, data.tasks ?? [], (task) => task.id);
    merge(this.nodes, data.nodes ?? [], (node) => node.id);
    if (data.may) this.may = data.may;
    this.#count_rates(this.paths, elapsed_s);
    this.#log(data);
    Object.assign(this, { seq: data.seq, time: data.time });
    if (data.rates) {
      this.rates = data.rates;
      this.history.add(data.time, data.rates, seconds);
    }
    return true;
  }

  #take_rings(rings) {
    if (rings.step_s !== RANGES[this.range].step_s) return;
    const older = this.history;
    this.history = new History(this.range, rings);
    this.history.join(older);
  }

  /** Compute what each path does per second, from its counters now and before. */
  #count_rates(before, elapsed_s) {
    for (const [name, path] of this.paths) {
      const counted = Object.fromEntries(RATES.map((key) => [key, path[key] ?? 0]));
      const earlier = before.get(name)?.counted;
      const is_known = earlier && elapsed_s > 0;
      path.rates = Object.fromEntries(
        RATES.map((key) => [key, is_known ? Math.max(0, counted[key] - earlier[key]) / elapsed_s : (path.rates?.[key] ?? null)]),
      );
      path.counted = counted;
    }
  }

  #log({ lifecycle = [], more = 0, time }) {
    const added = lifecycle.filter(({ n }) => n > this.#last);
    if (more > 0) this.lifecycle.push({ kind: 'more', n: this.#last + 0.5, time, path: null, count: more });
    this.lifecycle.push(...added);
    this.lifecycle.splice(0, this.lifecycle.length - LOG_SIZE);
    this.#last = added.at(-1)?.n ?? this.#last;
  }
}

/** Say which bar of all paths one is. */
export function key_of_bar({ path, name }) {
  return JSON.stringify([path, name]);
}

function new_path() {
  return { events: new Map() };
}

function merge_path(known, { events, ...changed }) {
  Object.assign(known, changed);
  if (events) merge(known.events, events, (event) => event.event);
}

/** Bring a map up to date with a list of changed things, some of them gone. */
function merge(map, changes, key_of, make = () => ({}), apply = Object.assign) {
  for (const { gone, ...changed } of changes) {
    const key = key_of(changed);
    if (gone) {
      map.delete(key);
      continue;
    }
    if (!map.has(key)) map.set(key, make());
    apply(map.get(key), changed);
  }
}
