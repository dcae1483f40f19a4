/**
 * The way that rows come from the server: a WebSocket, or HTTP where that is blocked or away.
 *
 * Fires, through `on`: `tasks` with the list of the server, `task` with one row, `state` with `live`, `reconnecting`,
 * `polling`, `away` (neither answers) or `ended` (so has the session).
 */

const CHECK_EVERY_MS = 1000;
const POLL_AFTER_S = 3;
const POLL_EVERY_S = 5;
const ANSWER_WITHIN_S = 5;
const OPTIONS = { reconnect_delay_max_ms: 5000, heartbeat_ms: 10_000, timeout_ms: 10_000, buffer_size: 0 };

export class Watch {
  state = 'reconnecting';

  #listeners = new Map();
  #ws;
  #poll;
  #now;
  #timer;
  #down_since;
  #polled = -Infinity;
  #heard;
  #asked = null; // when, while there is no answer

  /**
   * @param {object} parts
   * @param {Function} parts.Client Constructor of `TornadoWebSocket`.
   * @param {string} parts.path
   * @param {function(): Promise<object|null>} parts.poll Fetches the list over HTTP; null when the session has ended.
   * @param {function(): number} [parts.now] Seconds, from any moment.
   */
  constructor({ Client, path, poll, now = () => performance.now() / 1000 }) {
    this.#poll = poll;
    this.#now = now;
    this.#heard = now();
    this.#down_since = now();
    this.#ws = new Client(path, OPTIONS);
    this.#ws.on('open', () => (this.#asked = this.#now())); // the list comes without a question
    this.#ws.on('tasks', (data) => this.#received('tasks', data));
    this.#ws.on('task', (row) => this.#received('task', row));
    this.#ws.on('close', (event, { will_reconnect }) => this.#closed(will_reconnect));
    this.#ws.on('error', () => {}); // `close` follows
    this.#timer = setInterval(() => this.check(), CHECK_EVERY_MS);
  }

  on(event, callback) {
    this.#listeners.set(event, callback);
    return this;
  }

  /** Ask for the list anew. */
  ask() {
    if (this.#ws.state !== 'open' || this.#asked !== null) return;
    this.#asked = this.#now();
    this.#ws.emit('tasks');
  }

  /** See how things stand; is called once a second. */
  check() {
    const now = this.#now();
    const is_silent = this.#asked !== null && now - this.#asked > ANSWER_WITHIN_S;
    const is_down = this.#ws.state !== 'open' && now - this.#down_since >= POLL_AFTER_S;
    if (is_silent && this.state === 'live') this.#become('reconnecting');
    if ((is_silent || is_down) && now - this.#polled >= POLL_EVERY_S) this.#fetch(now);
  }

  close() {
    clearInterval(this.#timer);
    this.#ws.close();
  }

  #received(event, data) {
    this.#heard = this.#now();
    this.#asked = null;
    this.#become('live');
    this.#fire(event, data);
  }

  #closed(will_reconnect) {
    this.#asked = null;
    if (this.state === 'live') {
      this.#down_since = this.#now();
      this.#become('reconnecting');
    }
    if (!will_reconnect) this.#end();
  }

  #end() {
    this.#become('ended');
    this.close();
  }

  async #fetch(now) {
    this.#polled = now;
    let data;
    try {
      data = await this.#poll();
    } catch {
      if (this.state !== 'live' && this.state !== 'ended') this.#become('away');
      return;
    }
    // It may have come back meanwhile, and then knows more.
    if (this.state === 'ended' || (this.#heard > now && this.state === 'live')) return;
    if (data === null) {
      this.#end();
      return;
    }
    this.#become('polling');
    this.#fire('tasks', data);
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.#fire('state', state);
  }

  #fire(event, data) {
    this.#listeners.get(event)?.(data);
  }
}
