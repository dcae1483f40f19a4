/** What is known of runs. Knows neither the page nor the connection. */

import { is_active } from './words.js';

const MOVING = ['done', 'total', 'label', 'rate', 'eta_s', 'progressed'];

export class Runs {
  moment = 0; // counts the turns of all runs

  #rows = new Map();
  #turned = new Map(); // id → the moment of its last turn
  #ahead_s = 0; // of the server's clock before this one

  get(id) {
    return this.#rows.get(id);
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
    if (before === undefined || is_turn({ row, before })) this.#turned.set(row.id, ++this.moment);
    return { row, before };
  }

  /**
   * Take the row that answers a question.
   *
   * The work may have noticed what was asked, and told so, before the answer is here; and the answer comes from the
   * database, where numbers are up to a second behind what the work has told by itself.
   *
   * @param {object} row
   * @param {number} asked The `moment` of the question.
   */
  take_answer(row, asked) {
    const known = this.#rows.get(row.id);
    if (this.#turned.get(row.id) > asked) return { row: known, before: known };
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
