/** What is known of runs. Knows neither the page nor the connection. */

import { is_active } from './words.js';

const MOVING = ['done', 'total', 'label', 'rate', 'eta_s', 'progressed'];

export class Runs {
  #rows = new Map();
  #ahead_s = 0; // of the server's clock before this one

  get(id) {
    return this.#rows.get(id);
  }

  /** @returns {Iterable<object>} All rows. */
  values() {
    return this.#rows.values();
  }

  get has_active() {
    return [...this.#rows.values()].some(is_active);
  }

  /** Say what time it is for the server, in seconds. */
  now(here = Date.now() / 1000) {
    return here + this.#ahead_s;
  }

  /**
   * Take the list that the server sends, the newest run first.
   *
   * @param {{tasks: object[], time?: number}} data
   * @returns {Array<{row: object, before: object|undefined}>} Each run of the list, the oldest first.
   */
  take_list({ tasks, time }, here = Date.now() / 1000) {
    if (typeof time === 'number') this.#ahead_s = time - here;
    return tasks.toReversed().map((row) => this.take(row));
  }

  /** Take a row in place of what was known of its run. */
  take(row) {
    const before = this.#rows.get(row.id);
    this.#rows.set(row.id, row);
    return { row, before };
  }

  /** Take a row that was read from the database: it may be a second behind what the work has told by itself. */
  take_answer(row) {
    const known = this.#rows.get(row.id);
    const is_behind = known && known.attempt === row.attempt && is_active(row) && row.done < known.done;
    return this.take(is_behind ? { ...row, ...pick(known, MOVING) } : row);
  }
}

/** Whether a run has ended by what has changed. */
export const has_ended = ({ row, before }) => before !== undefined && is_active(before) && !is_active(row);

/** Whether anything that people are told of has changed. */
export const is_turn = ({ row, before }) =>
  before !== undefined && (row.state !== before.state || row.wish !== before.wish || row.attempt !== before.attempt);

function pick(object, keys) {
  return Object.fromEntries(keys.map((key) => [key, object[key]]));
}
