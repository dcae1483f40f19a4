/// <reference path="../client.d.ts" />
/** Global that the classic script `progress_bar.js` defines. */

interface ProgressBarState {
  readonly min: number;
  readonly max: number;
  /** Between `min` and `max`. */
  readonly value: number;
  readonly label: string | null;
  /** Percentage, 0-100. */
  readonly progress: number;
  readonly indeterminate: boolean;
  readonly done: boolean;
}

/** What `set_engine` takes: write your own, or use `EngineHtml5` or `EngineBootstrap`. */
interface ProgressBarEngine {
  /** Show a state; called with each new one, and once by `set_engine`. */
  render(state: ProgressBarState): void;
  /** Called when another engine takes its place. */
  destroy?(): void;
}

interface ProgressBarEngineOptions<Position extends string = 'right' | 'left'> {
  label?: { visible?: boolean; position?: 'top' | 'bottom' };
  /** `format` knows `{{progress}}`, `{{value}}`, `{{min}}` and `{{max}}`. */
  value?: { visible?: boolean; format?: string; position?: Position };
  /** What the bar is called for screen readers. Default: its label, or "Progress". */
  aria_label?: string;
  /** What screen readers announce at the end. Default: "Done". */
  done_text?: string;
}

interface ProgressBarElementEngine extends ProgressBarEngine {
  /** The outermost element. */
  readonly root: HTMLElement;
  /** The element with the role progressbar. */
  readonly bar: HTMLElement;
  destroy(): void;
}

interface EngineHtml5Constructor {
  new (container: Element | string, options?: ProgressBarEngineOptions): ProgressBarElementEngine;
}

interface EngineBootstrapConstructor {
  new (
    container: Element | string,
    options?: ProgressBarEngineOptions<'right' | 'left' | 'inside'>,
  ): ProgressBarElementEngine;
}

interface ModuleProgressBar extends ProgressBarState {
  readonly name: string;
  readonly EngineHtml5: EngineHtml5Constructor;
  readonly EngineBootstrap: EngineBootstrapConstructor;

  on<Data = any>(event: string, callback: (data: Data) => unknown): this;
  off(event: string, callback?: (data: any) => unknown): this;
  emit(event: string, data?: unknown): boolean;
  bind(socket: TornadoWebSocket): this;
  set_engine(engine: ProgressBarEngine | null): this;
}

interface ModuleProgressBarConstructor {
  new (name?: string): ModuleProgressBar;
  (name?: string): ModuleProgressBar;
  readonly prototype: ModuleProgressBar;
  readonly EngineHtml5: EngineHtml5Constructor;
  readonly EngineBootstrap: EngineBootstrapConstructor;
}

declare var ModuleProgressBar: ModuleProgressBarConstructor;
