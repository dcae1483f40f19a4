/**
 * The way to the server: the monitor's WebSocket, or its snapshots over HTTP where WebSockets are blocked.
 *
 * It is the client of django-tornado-websockets that connects: it comes back by itself, at the moment that the server
 * asks for, and knows the close codes that are final.
 */

import { gettext } from './text.js';

export const PATH = '/tornado_websockets/monitor';

const CHECK_EVERY_MS = 1000;
const STALE_AFTER_S = 4; // beyond the pace: that much of a stutter is nothing to tell anybody
const POLL_AFTER_S = 5;
const POLL_EVERY_S = 5;
const ANSWER_WITHIN_MS = 10_000;
const PACE_S = { visible: 1, hidden: 10 };

/** An answer of the server that says no; `message` is for people. */
export class Refused extends Error {
  constructor({ code, message }) {
    super(message);
    this.code = code;
  }
}

/**
 * Fires, through `on`: `snapshot`, `tick`, `history`, `inspected`, `inspecting` with the data of these events, `gone`
 * with the id of a node that was to be watched and is not there, and `state` with `live`, `reconnecting`, `stale`, `polling` or `ended`.
 */
export class Link {
  state = 'reconnecting';

  #listeners = new Map();
  #answers = new Map(); // id of a question → what waits for its answer
  #next_id = 1;
  #ws;
  #timer;
  #poll; // fetches a snapshot
  #now;
  #pace_s = PACE_S.visible;
  #heard; // when the server was heard of last
  #down_since;
  #polled = -Infinity;
  #is_asking = false; // for a snapshot, after a gap
  #node; // id of the only node that is watched; null is all
  #watching = null; // id of the question that asks to watch another one

  /**
   * @param {object} parts
   * @param {Function} parts.Client Constructor of `TornadoWebSocket`.
   * @param {function(): Promise<object|null>} parts.poll Fetches a snapshot over HTTP; null when the session has ended.
   * @param {string|null} [parts.node] Id of the only node to be watched; null is all.
   * @param {function(): number} [parts.now] Seconds, from any moment.
   */
  constructor({ Client, poll, node = null, now = () => performance.now() / 1000 }) {
    this.#poll = poll;
    this.#node = node;
    this.#now = now;
    this.#heard = now();
    this.#down_since = now();
    this.#ws = new Client(PATH, { reconnect_delay_max_ms: 5000, buffer_size: 0 });
    this.#ws.on('open', () => this.#opened());
    this.#ws.on('close', (event, { will_reconnect }) => this.#closed(will_reconnect));
    this.#ws.on('error', () => {}); // `close` follows, or the answer does not come
    for (const event of ['snapshot', 'tick', 'history', 'inspected', 'inspecting']) {
      this.#ws.on(event, (data) => this.#received(event, data));
    }
    for (const event of ['connections', 'connection', 'recipients', 'done', 'refused']) {
      this.#ws.on(event, (data) => this.#answered(event, data));
    }
    this.#timer = setInterval(() => this.check(), CHECK_EVERY_MS);
  }

  on(event, callback) {
    this.#listeners.set(event, callback);
    return this;
  }

  /** Whether questions reach the server. */
  get is_open() {
    return this.#ws.state === 'open';
  }

  /**
   * Ask the server, and return its answer.
   *
   * Rejects with `Refused` when it says no, with an `Error` when there is no connection or no answer.
   */
  ask(event, data = {}) {
    const id = this.#next_id;
    this.#next_id += 1;
    return new Promise((resolve, reject) => {
      const give_up = () => {
        this.#answers.delete(id);
        reject(new Error(gettext('The server did not answer.')));
      };
      if (!this.is_open) {
        reject(new Error(gettext('There is no connection to the server.')));
        return;
      }
      this.#answers.set(id, { resolve, reject, timer: setTimeout(give_up, ANSWER_WITHIN_MS) });
      this.#ws.emit(event, { ...data, id });
    });
  }

  /** Ask for everything anew; at most one question at a time. */
  resync(range) {
    if (this.#is_asking) return;
    this.#is_asking = true;
    this.ask('snapshot', { range })
      .catch((error) => {
        // A connection that opens brings a snapshot. A node that has gone has none.
        if (error instanceof Refused && this.#node !== null) this.#lose(this.#node, range);
      })
      .finally(() => {
        this.#is_asking = false;
      });
  }

  /** The id of the only node that is watched; null is all. */
  get node() {
    return this.#node;
  }

  /**
   * Watch one node, or all, from now on: a `snapshot` comes, and what is on its way of before is passed over.
   *
   * Where that node is not there, all are watched, and `gone` is fired.
   */
  async watch(node, range = '10m') {
    this.#node = node;
    const id = this.#next_id;
    this.#watching = id;
    try {
      await this.ask('watch', { node, range });
    } catch {
      if (this.#watching !== id) return; // asked anew meanwhile
      this.#watching = null;
      if (!this.is_open || node === null) return; // it is asked for again when there is a connection
      this.#lose(node, range);
    }
  }

  /** Ask for ticks as often as somebody can see them. */
  set is_visible(value) {
    this.#pace_s = value ? PACE_S.visible : PACE_S.hidden;
    this.#heard = this.#now(); // the timers of a hidden page slept
    if (this.is_open) this.#ws.emit('pace', { every_s: this.#pace_s });
  }

  /** See how things stand; is called once a second. */
  check() {
    const now = this.#now();
    if (this.state === 'ended') return;
    if (now - this.#heard > STALE_AFTER_S + this.#pace_s) this.#become('stale');
    const is_down = !this.is_open && now - this.#down_since >= POLL_AFTER_S;
    if (is_down && now - this.#polled >= POLL_EVERY_S) this.#fetch(now);
  }

  close() {
    clearInterval(this.#timer);
    this.#ws.close();
  }

  #lose(node, range) {
    this.#node = null;
    this.#fire('gone', node);
    this.watch(null, range);
  }

  #opened() {
    this.#heard = this.#now();
    if (this.#pace_s !== PACE_S.visible) this.#ws.emit('pace', { every_s: this.#pace_s });
    if (this.#node !== null) this.watch(this.#node); // the server shows all at first
    this.#fire('open');
  }

  #closed(will_reconnect) {
    for (const { reject, timer } of this.#answers.values()) {
      clearTimeout(timer);
      reject(new Error(gettext('The connection to the server was lost.')));
    }
    this.#answers.clear();
    this.#watching = null;
    if (this.state === 'live') this.#down_since = this.#now();
    if (!will_reconnect) this.#end();
    else if (this.state === 'live') this.#become('reconnecting');
  }

  #end() {
    clearInterval(this.#timer);
    this.#become('ended');
  }

  #received(event, data) {
    this.#heard = this.#now();
    this.#become('live');
    const is_of_before = this.#watching !== null && data.id !== this.#watching;
    if (!is_of_before) this.#watching = null;
    this.#answered(event, data);
    if (is_of_before && ['snapshot', 'tick', 'history'].includes(event)) return;
    this.#fire(event, data);
  }

  #answered(event, data) {
    const waiting = this.#answers.get(data.id);
    if (!waiting) return;
    this.#answers.delete(data.id);
    clearTimeout(waiting.timer);
    if (event === 'refused') waiting.reject(new Refused(data));
    else waiting.resolve(data);
  }

  async #fetch(now) {
    this.#polled = now;
    let data;
    try {
      data = await this.#poll();
    } catch {
      return; // the server is away: `check` says so, in time
    }
    if (this.is_open || this.state === 'ended') return;
    if (data === null) {
      this.close();
      this.#end();
      return;
    }
    this.#heard = this.#now() + POLL_EVERY_S - this.#pace_s;
    this.#become('polling');
    this.#fire('snapshot', data);
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.#fire('state', state);
  }

  #fire(event, ...args) {
    this.#listeners.get(event)?.(...args);
  }
}
