/** The series of one range of time: as many points as the range has, however long the page is open. */

/** The ranges of the feed: seconds between two points, and how many there are. */
export const RANGES = {
  '10m': { step_s: 1, size: 600 },
  '2h': { step_s: 10, size: 720 },
  '24h': { step_s: 60, size: 1440 },
};

/** Of these a point is the greatest value of its time; of all others the mean. */
const GREATEST = new Set([
  'connections',
  'loop_lag_ms',
  'p50_ms',
  'p95_ms',
  'p99_ms',
  'threads_busy',
  'threads_queued',
  'rss_bytes',
]);

const is_number = (value) => typeof value === 'number';

/** Make one point of those that a second has each; null when there was none. */
function fold(name, values) {
  const known = values.filter(is_number);
  if (known.length === 0) return null;
  if (GREATEST.has(name)) return Math.max(...known);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

export class History {
  #open = []; // points of one second that do not make a point of this range yet

  /**
   * @param {string} range A key of `RANGES`.
   * @param {{step_s: number, end: number, series: object}} [rings] As the feed has them.
   */
  constructor(range, rings = { end: 0, series: {} }) {
    const { step_s, size } = RANGES[range];
    this.range = range;
    this.step_s = step_s;
    this.size = size;
    this.end = rings.end;
    this.series = new Map();
    for (const [name, values] of Object.entries(rings.series)) this.series.set(name, this.#fit(values));
  }

  /** The points of one series, the oldest first; all null for one that there is not. */
  values(name) {
    return this.series.get(name) ?? new Array(this.size).fill(null);
  }

  /** The time of each point. */
  times() {
    const start = this.end - (this.size - 1) * this.step_s;
    return Array.from({ length: this.size }, (_, index) => start + index * this.step_s);
  }

  /**
   * Add what was measured at a time.
   *
   * @param {number} time Unix time in seconds.
   * @param {object} rates Value by name of the series.
   * @param {number} [seconds=1] How many seconds the values are of, when a tick stands for several.
   */
  add(time, rates, seconds = 1) {
    this.#open.push(rates);
    // Ticks come a little early or late: half a second of this is no other point.
    const steps = this.step_s === 1 ? Math.max(1, Math.round(time - this.end)) : this.#steps(time);
    if (steps === 0) return;
    const filled = Math.min(steps, Math.max(1, Math.ceil(seconds / this.step_s)));
    for (const name of new Set([...this.series.keys(), ...this.#open.flatMap(Object.keys)])) {
      const value = fold(
        name,
        this.#open.map((point) => point[name]),
      );
      this.#push(name, value, steps, filled);
    }
    this.#open = [];
    this.end = this.step_s === 1 ? time : this.end + steps * this.step_s;
  }

  /** Fill what these rings do not know with what older ones did: the time before a restart of the server. */
  join(older) {
    if (older.step_s !== this.step_s) return;
    const shift = Math.round((this.end - older.end) / this.step_s);
    // No point of before may stand where the new server has measured, or a line would join the two.
    const known = [...this.series.values()].map((values) => values.findIndex((value) => value !== null));
    const first = Math.min(this.size, ...known.filter((index) => index >= 0));
    for (const [name, values] of this.series) {
      const before = older.values(name);
      for (let index = 0; index < first - 1; index += 1) values[index] ??= before[index + shift] ?? null;
    }
  }

  #steps(time) {
    return Math.max(0, Math.floor((time - this.end + 0.5) / this.step_s));
  }

  #push(name, value, steps, filled) {
    const values = this.series.get(name) ?? this.#fit([]);
    const added = Math.min(steps, this.size);
    for (let step = added; step > 0; step -= 1) values.push(step <= filled ? value : null);
    values.splice(0, values.length - this.size);
    this.series.set(name, values);
  }

  #fit(values) {
    const kept = values.slice(-this.size);
    return [...new Array(this.size - kept.length).fill(null), ...kept];
  }
}
