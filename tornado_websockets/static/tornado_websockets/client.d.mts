/// <reference path="./client.d.ts" />

export declare const TornadoWebSocket: typeof globalThis.TornadoWebSocket;
export type TornadoWebSocket = globalThis.TornadoWebSocket;
export declare const tws: typeof globalThis.tws;

export type Options = TornadoWebSocketOptions;
export type OpenInfo = TornadoWebSocketOpenInfo;
export type CloseInfo = TornadoWebSocketCloseInfo;
export type Recovery = TornadoWebSocketRecovery;
