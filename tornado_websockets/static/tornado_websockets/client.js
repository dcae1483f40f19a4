/**
 * WebSocket client of django-tornado-websockets.
 *
 * A classic script: it defines the globals `TornadoWebSocket` and `tws`. `client.mjs` exports the same two names to
 * ES modules. No dependency, no build step; works under a strict Content-Security-Policy.
 *
 *     const ws = new TornadoWebSocket('/chat');
 *     ws.on('open', () => ws.emit('join', {room: 'lobby'}));
 *     ws.on('message', (data) => console.log(data.message));
 */
(() => {
  'use strict';

  // A page may load this file twice: as a script and through client.mjs, or under a plain and a hashed URL.
  if (typeof globalThis.TornadoWebSocket === 'function') return;

  const LIFECYCLE = new Set(['open', 'close', 'error']);
  const RESERVED = new Set(['open', 'close']);
  const OPEN = 1; // WebSocket.OPEN; an injected constructor need not have the constant
  const STABLE_AFTER_MS = 5000;
  const PING = '{"event":"tws_ping"}'; // a page sees nothing of the pings of RFC 6455
  const PONG = 'tws_pong';
  const ASKED_TIMES = 2; // one may be answered while the page sleeps, and be seen after its timers
  const TIMEOUT_MAX_MS = 2 ** 31 - 1; // setTimeout takes more than this for 1 ms
  const EXCERPT = 100; // characters of a bad frame shown in its error
  const OFFSET = /^\d+-\d+$/;
  const EARLY_MAX = 10_000; // ids of events that are remembered until they come again with their offset
  const SOCKETS_MAX = 8; // ids of former connections that the server is told

  /** Report what a callback threw like any uncaught exception, without stopping the client. */
  function report(error) {
    if (typeof globalThis.reportError === 'function') globalThis.reportError(error);
    else console.error(error);
  }

  /** Say whether a connection closed with this code may be opened again: 1000 and 4500-4999 are final. */
  function is_temporary(code) {
    return code !== 1000 && !(code >= 4500 && code <= 4999);
  }

  /** Return when a server that goes away wants this client back, as in "retry in 500 ms"; null when it does not say. */
  function hint_of(reason) {
    const match = /\bretry in (\d{1,9}) ms\b/.exec(reason);
    return match && Number(match[1]);
  }

  /** Return where this page came from; outside a page, where a development server listens. */
  function origin() {
    const { location } = globalThis;
    if (!/^https?:$/.test(location?.protocol)) return { host: 'localhost', port: 8000, secure: false };
    return { host: location.hostname, port: location.port, secure: location.protocol === 'https:' };
  }

  function host_of(value) {
    const host = typeof value === 'string' ? value.trim().replace(/^\[|\]$/g, '') : '';
    if (host === '' || /[\s/?#@\\[\]]/.test(host) || /^[^:]*:[^:]*$/.test(host)) {
      throw new TypeError(
        `options.host must be a host name or an IP address without port (there is options.port), got ${value}`,
      );
    }
    return host.includes(':') ? `[${host}]` : host;
  }

  function port_of(value, secure) {
    const port = Number(value);
    if (value === '' || port === (secure ? 443 : 80)) return '';
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new TypeError(`options.port must be an integer between 1 and 65535, got ${value}`);
    }
    return `:${port}`;
  }

  function url_of(path, options) {
    const name = typeof path === 'string' ? path.trim().replace(/^\/+/, '') : '';
    if (name === '') {
      throw new TypeError(
        `path must be the path given to the server's WebSocket, such as '/chat', got ${JSON.stringify(path)}`,
      );
    }
    const page = origin();
    const secure = options.secure ?? page.secure;
    const host = host_of(options.host ?? page.host);
    const port = port_of(options.port ?? page.port, secure);
    return `${secure ? 'wss' : 'ws'}://${host}${port}/ws/${name}`;
  }

  /** Encode a frame; what JSON does not write as an object becomes `{"message": …}`. */
  function encode(event, data) {
    if (typeof event !== 'string' || event === '') throw new TypeError('an event is a non-empty string.');
    if (RESERVED.has(event)) throw new Error('the name is reserved: it tells of the connection itself.');
    const json = JSON.stringify(data === undefined ? {} : data);
    if (json === undefined) throw new TypeError(`a ${typeof data} cannot be written as JSON.`);
    const body = json.startsWith('{') ? json : `{"message":${json}}`;
    return `{"event":${JSON.stringify(event)},"data":${body}}`;
  }

  /** Decode a frame into `{event, data}`; throw an Error that says why it cannot be used. */
  function decode(frame) {
    if (typeof frame !== 'string') throw new Error('Ignored a binary frame: expected JSON in a text frame.');
    const refuse = (reason, cause) => {
      throw new Error(`Ignored a frame: ${reason}, got ${frame.slice(0, EXCERPT)}`, { cause });
    };
    let message;
    try {
      message = JSON.parse(frame);
    } catch (error) {
      refuse('expected JSON', error);
    }
    if (message === null || typeof message !== 'object' || Array.isArray(message)) refuse('expected a JSON object');
    const { event, data } = message;
    if (typeof event !== 'string' || event === '') refuse('expected an "event" that is a non-empty string');
    if (LIFECYCLE.has(event)) refuse(`"${event}" tells of the connection itself and cannot come from the server`);
    return { event, data: data ?? {}, offset: message.offset, id: message.id };
  }

  /** Return the event of a connection that the client itself has given up; not every runtime has a class for it. */
  function close_event(init) {
    return typeof globalThis.CloseEvent === 'function' ? new CloseEvent('close', init) : { type: 'close', ...init };
  }

  /** Say whether one offset, such as "1763-0", is beyond another; their numbers may be larger than JavaScript's. */
  function is_beyond(offset, other) {
    const [one, two] = [offset, other].map((each) => each.split('-').map(BigInt));
    return one[0] > two[0] || (one[0] === two[0] && one[1] > two[1]);
  }

  /** Say whether this is the event by which the server tells where the client is in the history of its path. */
  function tells_position(event, data) {
    return event === 'recovered' && typeof data.epoch === 'string' && OFFSET.test(data.offset);
  }

  /**
   * A connection to one WebSocket of the server, that opens again by itself when it is lost.
   *
   * May be called without `new`. Throws a TypeError for a bad path or option.
   *
   * The connection is lost for good, and `state` becomes `'closed'`, after `close()` and after the close codes 1000 and
   * 4500-4999. After every other code the client tries again, after
   * `random() * min(reconnect_delay_max_ms, reconnect_delay_ms * 2ⁿ)` milliseconds, where n counts the attempts since
   * the last connection that lasted 5 seconds; or when the server asked for it, with a reason such as "retry in 500 ms".
   * When the browser is online again, or the page is shown again, it tries at once.
   *
   * A connection that is dead without a word, as when a cable is pulled somewhere, counts as lost when the server does
   * not answer: `heartbeat_ms` and `timeout_ms`.
   */
  class Client {
    #url;
    #WebSocket;
    #protocols;
    #reconnect;
    #delay_ms;
    #delay_max_ms;
    #heartbeat_ms;
    #timeout_ms;
    #buffer_size;

    #listeners = new Map(); // event → Set of callbacks; a Map, as an event may be called "constructor"
    #buffer = []; // encoded frames, oldest first
    #socket = null;
    #state = 'closed';
    #timer; // in 'waiting' the next attempt, in 'open' the moment when the connection counts as stable
    #pulse; // in 'connecting' the end of the attempt, in 'open' the next look whether the server is there
    #heard = false; // since the last look
    #asked = 0; // how often in a row, with nothing heard
    #attempt = 0;
    #was_open = false;
    #failing = false;

    // Where this client is in the history of its path, when that has one; see `recovered` in `on`.
    #epoch = '';
    #offset = '';
    #sockets = []; // ids of the connections that it had, the newest first
    #early = new Set(); // ids of events that came before they had an offset, oldest first
    #reconnected = false;

    /**
     * @param {string} path The path given to `WebSocket(path)` on the server, with or without leading slash; may carry
     *   a query string, such as `'/chat?room=1'`.
     * @param {object} [options]
     * @param {string} [options.host] Default: the host of the page; `'localhost'` outside a page.
     * @param {number|string} [options.port] Default: the port of the page, whatever `host` is; 8000 outside a page.
     * @param {boolean} [options.secure] Use wss://. Default: whether the page came through https.
     * @param {boolean} [options.reconnect=true] Open a lost connection again.
     * @param {number} [options.reconnect_delay_ms=500] Longest delay before the first new attempt.
     * @param {number} [options.reconnect_delay_max_ms=30000] Longest delay before any attempt.
     * @param {number} [options.heartbeat_ms=15000] When the server has said nothing for so long, or for up to twice as
     *   long, it is asked whether it is there; 0 asks never.
     * @param {number} [options.timeout_ms=20000] How long an attempt to connect, or the answer to that, may take before
     *   the connection counts as lost; 0 waits for ever.
     * @param {number} [options.buffer_size=100] How many emits are kept while the connection is not open.
     * @param {string|string[]} [options.protocols] Subprotocols to offer.
     * @param {Function} [options.WebSocket] Constructor to use in place of the global `WebSocket`.
     */
    constructor(path, options) {
      const {
        reconnect = true,
        reconnect_delay_ms = 500,
        reconnect_delay_max_ms = 30000,
        heartbeat_ms = 15000,
        timeout_ms = 20000,
        buffer_size = 100,
        protocols = [],
        WebSocket = globalThis.WebSocket,
        ...address
      } = options ?? {};
      const numbers = { reconnect_delay_ms, reconnect_delay_max_ms, heartbeat_ms, timeout_ms, buffer_size };
      for (const [name, value] of Object.entries(numbers)) {
        if (typeof value !== 'number' || !(value >= 0)) {
          throw new TypeError(`options.${name} must be a number that is not negative, got ${value} (${typeof value})`);
        }
      }
      if (typeof WebSocket !== 'function') {
        throw new TypeError('There is no WebSocket here: give a constructor as options.WebSocket');
      }
      this.#url = url_of(path, address);
      this.#WebSocket = WebSocket;
      this.#protocols = protocols;
      this.#reconnect = reconnect;
      this.#delay_ms = reconnect_delay_ms;
      this.#delay_max_ms = reconnect_delay_max_ms;
      this.#heartbeat_ms = heartbeat_ms;
      this.#timeout_ms = timeout_ms;
      this.#buffer_size = buffer_size;
      this.open();
    }

    /** @returns {string} The address of the server's WebSocket. */
    get url() {
      return this.#url;
    }

    /** @returns {'connecting'|'open'|'waiting'|'closed'} `'waiting'` means: until the next attempt. */
    get state() {
      return this.#state;
    }

    /** @returns {number} How many emits wait for the connection to open. */
    get buffered() {
      return this.#buffer.length;
    }

    /** @returns {WebSocket|null} The native WebSocket of the current connection or attempt. */
    get websocket() {
      return this.#socket;
    }

    /**
     * Call a function at each event; several functions are called in the order of their registration.
     *
     * Registering the same function twice for one event calls it once. `open` fires at each reconnection, so a *new*
     * function registered inside an `open` callback is one function more each time.
     *
     * - `open`: `(event, {reconnected, attempt})`, attempt counts the reconnection attempts that it took.
     * - `close`: `(event, {will_reconnect, delay_ms})`, also after each failed attempt.
     * - `error`: `(error)`, an Event of the native WebSocket, or an Error of this client: an emit that was refused, a
     *   frame that cannot be used. Errors of the client that nobody listens to go to the console.
     * - `recovered`: `({recovered, missed, …})`, on a path that keeps a history, after a reconnection. When `recovered`
     *   is true, the `missed` events that the client has missed follow at once, as if the connection had never been
     *   lost. When it is false some are missing, and the page gets what it needs in another way. The latter also comes
     *   later, when the server itself has lost some.
     * - any other event of the server, `message` as well: `(data)`. A `warning` that nobody listens to goes to the
     *   console.
     *
     * @param {string} event
     * @param {Function} callback Called with the client as `this`. What it throws is reported and stops nothing.
     * @returns {this}
     */
    on(event, callback) {
      if (typeof event !== 'string' || event === '') {
        throw new TypeError('on(event, callback): event must be a non-empty string');
      }
      if (typeof callback !== 'function') {
        throw new TypeError(`on('${event}', callback): callback must be a function, got ${typeof callback}`);
      }
      if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
      this.#listeners.get(event).add(callback);
      return this;
    }

    /**
     * Stop calling a function at an event; without `callback`, every function of that event.
     *
     * @param {string} event
     * @param {Function} [callback]
     * @returns {this}
     */
    off(event, callback) {
      const callbacks = this.#listeners.get(event);
      if (callback === undefined) callbacks?.clear();
      else callbacks?.delete(callback);
      return this;
    }

    /**
     * Send an event to the server.
     *
     * While the connection is not open the event is kept, and sent in order when it opens: after the `open` callbacks,
     * so that what these emit (joining a room, say) comes before. Sending is at most once: what is on its way while the
     * connection breaks is lost.
     *
     * @param {string} event Any name but `open` and `close`.
     * @param {*} [data] An object is sent as it is, nothing as `{}`, anything else as `{message: data}`.
     * @returns {boolean} Whether the event was sent or kept. When false, `error` has fired with an Error that says why:
     *   the buffer is full, the client is closed, the name is reserved, the data is not JSON.
     */
    emit(event, data) {
      try {
        const frame = encode(event, data);
        if (this.#state === 'closed') throw new Error('the client is closed, open() opens it again.');
        if (this.#state === 'open' && this.#socket.readyState === OPEN) this.#socket.send(frame);
        else if (this.#buffer.length < this.#buffer_size) this.#buffer.push(frame);
        else throw new Error(`${this.#buffer_size} events wait already for the connection (options.buffer_size).`);
        return true;
      } catch (cause) {
        const name = typeof event === 'string' ? JSON.stringify(event) : typeof event;
        this.#fail(new Error(`Cannot emit ${name}: ${cause.message}`, { cause }));
        return false;
      }
    }

    /**
     * Give this connection to a module, such as `ModuleProgressBar`: calls `module.bind(this)`.
     *
     * @param {{bind: function(TornadoWebSocket): *}} module
     * @returns {object} The module, as on the server.
     */
    bind(module) {
      if (typeof module?.bind !== 'function') {
        throw new TypeError('bind(module): expected an object with a bind(ws) method, such as a ModuleProgressBar');
      }
      module.bind(this);
      return module;
    }

    /**
     * Open the connection after it was closed for good, or try at once instead of waiting for the next attempt.
     *
     * @returns {this}
     */
    open() {
      if (this.#state === 'connecting' || this.#state === 'open') return this;
      if (this.#state === 'closed') this.#attempt = 0;
      this.#connect();
      if (this.#reconnect) this.#watch_page('addEventListener');
      return this;
    }

    /**
     * Close the connection for good. Emits that still wait are dropped, and reported in one `error`.
     *
     * @param {number} [code=1000] 1000, or 3000-4999.
     * @param {string} [reason] At most 123 bytes of UTF-8.
     * @returns {this}
     */
    close(code = 1000, reason = '') {
      this.#socket?.close(code, reason); // first, as it throws when an argument is wrong
      if (this.#state !== 'closed') this.#end();
      return this;
    }

    #connect() {
      const socket = new this.#WebSocket(this.#url_with_position(), this.#protocols);
      clearTimeout(this.#timer);
      this.#socket = socket;
      this.#state = 'connecting';
      this.#look_in(this.#timeout_ms, this.#lose);
      const listen = (type, handle) => {
        socket.addEventListener(type, (event) => {
          // A connection that was given up (page hidden, close() then open()) has nothing to say any more; after
          // close(), frames still under way and the error of an unfinished handshake are of no interest.
          if (socket === this.#socket && (type === 'close' || this.#state !== 'closed')) handle(event);
        });
      };
      listen('open', (event) => this.#opened(event));
      listen('message', (event) => this.#received(event));
      listen('close', (event) => this.#closed(event));
      listen('error', (event) => this.#dispatch('error', event));
    }

    #opened(event) {
      this.#state = 'open';
      this.#timer = setTimeout(() => {
        this.#attempt = 0;
      }, STABLE_AFTER_MS);
      const info = { reconnected: this.#was_open, attempt: this.#attempt };
      this.#reconnected = this.#was_open;
      this.#was_open = true;
      this.#heard = true;
      this.#look();
      this.#dispatch('open', event, info);
      while (this.#buffer.length > 0 && this.#socket?.readyState === OPEN) this.#socket.send(this.#buffer.shift());
    }

    #received({ data: frame }) {
      this.#heard = true;
      if (this.#asked > 0) this.#look();
      let message;
      try {
        message = decode(frame);
      } catch (error) {
        this.#fail(error);
        return;
      }
      const { event, data, offset, id } = message;
      if (event === PONG) return;
      if (tells_position(event, data)) {
        this.#moved(data);
        return;
      }
      if (this.#has_had(offset, id)) return;
      if (!this.#dispatch(event, data) && event === 'warning') console.warn('Warning of the server:', data);
    }

    #url_with_position() {
      if (this.#epoch === '') return this.#url;
      const position = [this.#epoch, this.#offset, this.#sockets].map((part) => encodeURIComponent(part)).join(':');
      return `${this.#url}${this.#url.includes('?') ? '&' : '?'}tws_position=${position}`;
    }

    /** Take the position that the server tells, and tell the page whether something is missing. */
    #moved(data) {
      this.#epoch = data.epoch;
      this.#offset = data.offset;
      if (typeof data.socket === 'string') this.#sockets = [data.socket, ...this.#sockets].slice(0, SOCKETS_MAX);
      // Who was open before, but did not get as far as to know where, may have missed something.
      const recovered = data.recovered ?? (this.#reconnected ? false : null);
      if (recovered !== null) this.#dispatch('recovered', { ...data, recovered });
    }

    /**
     * Note the offset and the id of an event, and say whether the event has come before.
     *
     * While the server cannot give an event its place among the others, it sends it with an id alone; later it comes
     * again, with both.
     */
    #has_had(offset, id) {
      if (!OFFSET.test(offset)) {
        if (typeof id !== 'string') return false;
        const is_early = this.#early.has(id);
        this.#early.add(id);
        if (this.#early.size > EARLY_MAX) this.#early.delete(this.#early.values().next().value);
        return is_early;
      }
      if (this.#epoch === '') return this.#early.delete(id);
      if (!is_beyond(offset, this.#offset)) return true;
      this.#offset = offset; // before the page has it: an event whose callback throws does not come again
      return this.#early.delete(id);
    }

    /** Ask the server whether it is there, when it has said nothing; a dead network says nothing either. */
    #look = () => {
      if (this.#heard) {
        this.#heard = false;
        this.#asked = 0;
        this.#look_in(this.#heartbeat_ms, this.#look);
      } else if (this.#asked < ASKED_TIMES) {
        this.#asked += 1;
        this.#look_in(this.#timeout_ms / ASKED_TIMES, this.#look);
        this.#try(() => this.#socket.send(PING));
      } else {
        this.#lose();
      }
    };

    #look_in(after_ms, what) {
      clearTimeout(this.#pulse);
      if (after_ms > 0) this.#pulse = setTimeout(what, Math.min(after_ms, TIMEOUT_MAX_MS));
    }

    #lose = () => this.#give_up({ code: 1006, reason: 'The server does not answer.', wasClean: false });

    /** Count a connection as closed, whatever becomes of it: a dead one would take minutes to say so. */
    #give_up(init) {
      const socket = this.#socket;
      this.#socket = null;
      this.#try(() => socket.close());
      this.#closed(close_event(init));
    }

    /** Do what no WebSocket of a browser refuses; one that was injected may. */
    #try(what) {
      try {
        what();
      } catch (error) {
        this.#fail(error);
      }
    }

    #closed(event) {
      clearTimeout(this.#pulse);
      this.#socket = null;
      const will_reconnect = this.#state !== 'closed' && this.#reconnect && is_temporary(event.code);
      const delay_ms = will_reconnect ? this.#wait(hint_of(event.reason)) : 0;
      if (!will_reconnect) this.#end();
      this.#dispatch('close', event, { will_reconnect, delay_ms });
    }

    /** Plan the next attempt, at the moment that the server asked for if it did; return its delay in milliseconds. */
    #wait(hint_ms = null) {
      clearTimeout(this.#timer);
      this.#state = 'waiting';
      const grown_ms = this.#delay_ms * 2 ** Math.min(this.#attempt, 30); // 30: 0 * Infinity is not a number
      // The server has chosen at random already, so that its clients do not all come back at once.
      const share = hint_ms === null ? Math.random() : 1;
      const delay_ms = share * Math.min(this.#delay_max_ms, hint_ms ?? grown_ms, TIMEOUT_MAX_MS);
      this.#attempt += 1;
      this.#timer = setTimeout(this.#retry, delay_ms);
      return delay_ms;
    }

    #retry = () => {
      if (this.#state !== 'waiting') return;
      try {
        this.#connect();
      } catch (error) {
        // Some browsers throw where others fire `error`, for instance when a policy forbids the address.
        this.#wait();
        this.#fail(error);
      }
    };

    // The timers of a page that nobody sees may fire a minute late, or not at all.
    #show = () => {
      if (globalThis.document?.visibilityState === 'visible') this.#wake();
    };

    /** Try at once, or see whether the connection has outlived what happened. */
    #wake = () => {
      this.#retry();
      if (this.#state !== 'open' || this.#heartbeat_ms === 0 || this.#asked > 0) return;
      this.#heard = false;
      this.#look();
    };

    // An open WebSocket keeps a page out of the back/forward cache, or is cut there without a word.
    #hide = (event) => {
      if (!event.persisted || this.#socket === null) return;
      this.#give_up({ code: 1001, reason: 'The page is hidden.', wasClean: true });
      clearTimeout(this.#timer); // `pageshow` makes the next attempt
    };

    #watch_page(verb) {
      globalThis[verb]?.('online', this.#wake);
      globalThis[verb]?.('pageshow', this.#retry);
      globalThis[verb]?.('visibilitychange', this.#show);
      globalThis[verb]?.('pagehide', this.#hide);
    }

    #end() {
      clearTimeout(this.#timer);
      clearTimeout(this.#pulse);
      this.#watch_page('removeEventListener');
      this.#state = 'closed';
      const dropped = this.#buffer.splice(0).length;
      if (dropped > 0) this.#fail(new Error(`Closed for good: ${dropped} events that waited were dropped.`));
    }

    /** Fire `error`; write to the console when nobody listens, or when an `error` callback causes an error itself. */
    #fail(error) {
      const nested = this.#failing;
      this.#failing = true;
      if (nested || !this.#dispatch('error', error)) console.error(error);
      this.#failing = nested;
    }

    /** Call the callbacks that were registered before this moment; return whether there were any. */
    #dispatch(event, ...args) {
      const callbacks = this.#listeners.get(event);
      const now = [...(callbacks ?? [])];
      for (const callback of now) {
        if (!callbacks.has(callback)) continue; // removed by a callback before
        try {
          callback.apply(this, args);
        } catch (error) {
          report(error);
        }
      }
      return now.length > 0;
    }
  }

  const TornadoWebSocket = new Proxy(Client, { apply: (target, self, args) => new target(...args) });
  Object.defineProperty(Client, 'name', { value: 'TornadoWebSocket' });
  Client.prototype.constructor = TornadoWebSocket;

  globalThis.TornadoWebSocket = TornadoWebSocket;

  /** Shortcut to `new TornadoWebSocket(path, options)`. */
  globalThis.tws = (path, options) => new TornadoWebSocket(path, options);
})();
