/// <reference path="./progress_bar.d.ts" />

export declare const ModuleProgressBar: typeof globalThis.ModuleProgressBar;
export type ModuleProgressBar = globalThis.ModuleProgressBar;
export declare const EngineHtml5: EngineHtml5Constructor;
export declare const EngineBootstrap: EngineBootstrapConstructor;

export type Engine = ProgressBarEngine;
export type State = ProgressBarState;
