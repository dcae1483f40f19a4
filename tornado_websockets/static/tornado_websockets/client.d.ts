/** Globals that the classic script `client.js` defines. */

interface TornadoWebSocketOptions {
  /** Default: the host of the page; `'localhost'` outside a page. */
  host?: string;
  /** Default: the port of the page, whatever `host` is; 8000 outside a page. */
  port?: number | string;
  /** Use wss://. Default: whether the page came through https. */
  secure?: boolean;
  /** Open a lost connection again. Default: true. */
  reconnect?: boolean;
  /** Longest delay before the first new attempt. Default: 500. */
  reconnect_delay_ms?: number;
  /** Longest delay before any attempt. Default: 30000. */
  reconnect_delay_max_ms?: number;
  /** Silence after which the server is asked whether it is there; 0 asks never. Default: 15000. */
  heartbeat_ms?: number;
  /** How long an attempt, or the answer to that, may take; 0 waits for ever. Default: 20000. */
  timeout_ms?: number;
  /** How many emits are kept while the connection is not open. Default: 100. */
  buffer_size?: number;
  /** Subprotocols to offer. */
  protocols?: string | string[];
  /** Constructor to use in place of the global `WebSocket`. */
  WebSocket?: new (url: string, protocols?: string | string[]) => any;
}

interface TornadoWebSocketOpenInfo {
  /** Whether this client was open before. */
  reconnected: boolean;
  /** How many reconnection attempts it took. */
  attempt: number;
}

interface TornadoWebSocketCloseInfo {
  will_reconnect: boolean;
  /** Milliseconds until the next attempt; 0 when there is none. */
  delay_ms: number;
}

/** What a client is told of the history of its path, when it was connected before. */
interface TornadoWebSocketRecovery {
  /** Whether nothing is missing: what was missed follows at once. */
  recovered: boolean;
  /** How many events follow; more may have come meanwhile. */
  missed: number;
  /** Names the history that the offset belongs to. */
  epoch: string;
  /** Where the client is in it. */
  offset: string;
  /** The id of its connection; absent when it is told during the connection. */
  socket?: string;
}

interface TornadoWebSocketEvents {
  open: [event: Event, info: TornadoWebSocketOpenInfo];
  close: [event: CloseEvent, info: TornadoWebSocketCloseInfo];
  /** An Event of the native WebSocket, or an Error of the client. */
  error: [error: Event | Error];
  /** On a path with a history. */
  recovered: [recovery: TornadoWebSocketRecovery];
}

interface TornadoWebSocket {
  readonly url: string;
  readonly state: 'connecting' | 'open' | 'waiting' | 'closed';
  /** How many emits wait for the connection to open. */
  readonly buffered: number;
  /** The native WebSocket of the current connection or attempt. */
  readonly websocket: WebSocket | null;

  on<Name extends keyof TornadoWebSocketEvents>(
    event: Name,
    callback: (this: TornadoWebSocket, ...args: TornadoWebSocketEvents[Name]) => unknown,
  ): this;
  on<Data = any>(event: string, callback: (this: TornadoWebSocket, data: Data) => unknown): this;

  /** Without `callback`: every function of that event. */
  off(event: string, callback?: (...args: any[]) => unknown): this;

  /** Whether the event was sent or kept; when not, `error` has fired with an Error that says why. */
  emit(event: string, data?: unknown): boolean;

  /** Returns the module, as on the server. */
  bind<Module extends { bind(socket: TornadoWebSocket): unknown }>(module: Module): Module;

  /** Open again after a close for good, or try at once instead of waiting. */
  open(): this;

  /** Close for good. */
  close(code?: number, reason?: string): this;
}

interface TornadoWebSocketConstructor {
  new (path: string, options?: TornadoWebSocketOptions): TornadoWebSocket;
  (path: string, options?: TornadoWebSocketOptions): TornadoWebSocket;
  readonly prototype: TornadoWebSocket;
}

declare var TornadoWebSocket: TornadoWebSocketConstructor;

/** Shortcut to `new TornadoWebSocket(path, options)`. */
declare var tws: (path: string, options?: TornadoWebSocketOptions) => TornadoWebSocket;
