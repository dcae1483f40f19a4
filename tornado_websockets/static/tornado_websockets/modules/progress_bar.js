/**
 * Progress bar, the page's side of the server's `ProgressBar` module.
 *
 * A classic script: it defines the global `ModuleProgressBar`. `progress_bar.mjs` exports the same to ES modules.
 *
 *     const progress = new ModuleProgressBar('import');
 *     progress.set_engine(new progress.EngineHtml5('#import'));
 *     ws.bind(progress); // ws is a TornadoWebSocket
 *     progress.emit('start');
 */
(() => {
  'use strict';

  // A page may load this file twice: as a script and through progress_bar.mjs, or under a plain and a hashed URL.
  if (typeof globalThis.ModuleProgressBar === 'function') return;

  const LABEL_POSITIONS = ['top', 'bottom'];
  const VISUALLY_HIDDEN = {
    position: 'absolute',
    width: '1px',
    height: '1px',
    overflow: 'hidden',
    clipPath: 'inset(50%)',
    whiteSpace: 'nowrap',
  };

  let rendered = 0; // engines on this page, for unique ids

  function number(value, fallback) {
    return Number.isFinite(value) ? value : fallback;
  }

  function clamp(value, min, max) {
    return Math.max(min, Math.min(max, value));
  }

  function text(value) {
    return value === undefined || value === null ? null : String(value);
  }

  /** Percentage of a state; where nothing can be measured 0, and 100 at the end. */
  function progress_of({ min, max, value, indeterminate, done }) {
    if (indeterminate || max <= min) return done ? 100 : 0;
    // Multiplied first: 29 / 100 * 100 is 28.999999999999996.
    return clamp(((value - min) * 100) / (max - min), 0, 100);
  }

  /** Round for people, who read 100 as "finished". */
  function percentage(progress) {
    return progress < 100 ? Math.min(99, Math.round(progress)) : 100;
  }

  function element_of(container) {
    const element = typeof container === 'string' ? document.querySelector(container) : container;
    if (typeof element?.append === 'function') return element;
    if (typeof container === 'string') throw new Error(`No element of this page matches the selector "${container}"`);
    throw new TypeError(`container must be an Element or a selector, got ${container}`);
  }

  function one_of(name, value, choices) {
    if (choices.includes(value)) return value;
    throw new TypeError(`options.${name} must be one of ${choices.join(', ')}, got ${value}`);
  }

  /**
   * What `EngineHtml5` and `EngineBootstrap` share: label, value, accessibility. They differ in the bar itself.
   *
   * An engine of your own needs no base class: any object with `render(state)` is an engine. `state` is
   * `{min, max, value, label, progress, indeterminate, done}`; `render` is called with each new one, and once by
   * `set_engine`. With a `destroy()` it is told when another engine takes its place.
   */
  class Engine {
    #options;
    #root;
    #bar;
    #label;
    #value;
    #status;

    /**
     * @param {Element|string} container Element, or selector of one; the bar is appended to it.
     * @param {object} [options]
     * @param {{visible?: boolean, position?: 'top'|'bottom'}} [options.label] Default: visible, at the top.
     * @param {{visible?: boolean, format?: string, position?: 'right'|'left'|'inside'}} [options.value] Default:
     *   visible, `'{{progress}}%'`, right; `{{value}}`, `{{min}}` and `{{max}}` are known too. `'right'` is after the
     *   bar and `'left'` before it in the direction of the text, so they are mirrored in right-to-left pages.
     *   `'inside'` is for Bootstrap only.
     * @param {string} [options.aria_label] The bar's name for screen readers. Default: its label, or "Progress".
     * @param {string} [options.done_text='Done'] What screen readers announce at the end.
     */
    constructor(container, options) {
      const { label, value, aria_label, done_text = 'Done' } = options ?? {};
      this.#options = {
        label: { visible: true, position: 'top', ...label },
        value: { visible: true, format: '{{progress}}%', position: 'right', ...value },
        aria_label,
        done_text,
      };
      one_of('label.position', this.#options.label.position, LABEL_POSITIONS);
      one_of('value.position', this.#options.value.position, new.target.value_positions);
      this.#build(element_of(container));
    }

    /** @returns {Element} The outermost element. */
    get root() {
      return this.#root;
    }

    /** @returns {Element} The element with the role progressbar. */
    get bar() {
      return this.#bar;
    }

    /**
     * Show a state.
     *
     * @param {{min: number, max: number, value: number, label: ?string, progress: number, indeterminate: boolean,
     *   done: boolean}} state
     */
    render(state) {
      const { value, aria_label, done_text } = this.#options;
      const moving = state.indeterminate && !state.done;
      const known = { ...state, progress: percentage(state.progress) };
      const words = moving ? '' : value.format.replace(/{{\s*(progress|value|min|max)\s*}}/g, (_, key) => known[key]);

      this.#root.classList.toggle('tws-progress-indeterminate', moving);
      this.#root.classList.toggle('tws-progress-done', state.done);
      this.#value.textContent = words;
      this.#label.textContent = state.label ?? '';
      if (moving) this.#bar.removeAttribute('aria-valuetext');
      else this.#bar.setAttribute('aria-valuetext', words);

      const association = aria_label === undefined ? 'aria-labelledby' : 'aria-describedby';
      if (this.#options.label.visible && state.label) this.#bar.setAttribute(association, this.#label.id);
      else this.#bar.removeAttribute(association);

      // Written on change only: a screen reader may read a live region again whenever it is written.
      const status = state.done ? done_text : '';
      if (this.#status.textContent !== status) this.#status.textContent = status;

      this.render_bar(state, moving);
    }

    /** Take the bar off the page. */
    destroy() {
      this.#root.remove();
    }

    #build(parent) {
      const create = (tag, ...names) => {
        const element = parent.ownerDocument.createElement(tag);
        element.classList.add(...names);
        return element;
      };
      const { label, value, aria_label = 'Progress' } = this.#options;
      const { bar, inside = bar, row_classes } = this.create_bar(create);
      this.#bar = bar;
      bar.classList.add('tws-progress-bar');
      bar.setAttribute('aria-label', aria_label);

      this.#label = create('div', 'tws-progress-label');
      this.#label.id = `tws-progress-label-${(rendered += 1)}`;
      this.#label.setAttribute('dir', 'auto');

      this.#value = create('span', 'tws-progress-value');
      this.#value.setAttribute('aria-hidden', 'true'); // aria-valuetext says it

      this.#status = create('span', 'tws-progress-status');
      this.#status.setAttribute('role', 'status');
      Object.assign(this.#status.style, VISUALLY_HIDDEN);

      const row = create('div', 'tws-progress-row', ...row_classes);
      row.append(bar);
      if (value.visible && value.position === 'right') row.append(this.#value);
      if (value.visible && value.position === 'left') row.prepend(this.#value);
      if (value.visible && value.position === 'inside') inside.append(this.#value);

      this.#root = create('div', 'tws-progress');
      this.#root.append(row, this.#status);
      if (label.visible && label.position === 'top') this.#root.prepend(this.#label);
      if (label.visible && label.position === 'bottom') row.after(this.#label);
      parent.append(this.#root);
    }
  }

  /** Renders with the `<progress>` element. */
  class EngineHtml5 extends Engine {
    static value_positions = ['right', 'left'];

    create_bar(create) {
      const bar = create('progress');
      bar.setAttribute('max', '100');
      return { bar, row_classes: [] };
    }

    render_bar(state, moving) {
      if (moving) this.bar.removeAttribute('value');
      else this.bar.setAttribute('value', String(state.progress));
    }
  }

  /** Renders with the markup of Bootstrap 5; the page brings Bootstrap's stylesheet. */
  class EngineBootstrap extends Engine {
    static value_positions = ['right', 'left', 'inside'];

    create_bar(create) {
      const bar = create('div', 'progress', 'flex-grow-1');
      bar.setAttribute('role', 'progressbar');
      bar.append(create('div', 'progress-bar'));
      return { bar, inside: bar.firstElementChild, row_classes: ['d-flex', 'align-items-center', 'gap-2'] };
    }

    render_bar(state, moving) {
      const fill = this.bar.firstElementChild;
      fill.style.width = moving ? '100%' : `${state.progress}%`;
      for (const name of ['progress-bar-striped', 'progress-bar-animated']) fill.classList.toggle(name, moving);
      // A bar without a measure is 0 of 100 and, once done, 100 of 100.
      const measured = !state.indeterminate && state.max > state.min;
      const { min, max, value } = measured ? state : { min: 0, max: 100, value: state.progress };
      const attributes = { 'aria-valuemin': min, 'aria-valuemax': max, 'aria-valuenow': value };
      for (const [name, amount] of Object.entries(attributes)) {
        if (moving) this.bar.removeAttribute(name);
        else this.bar.setAttribute(name, String(amount));
      }
    }
  }

  /**
   * The page's side of a `ProgressBar` of the server.
   *
   * May be called without `new`. Bind it to its socket before that opens, that is right after creating the socket: the
   * server sends the bar's state to each client that connects.
   */
  class Module {
    #name;
    #prefix;
    #socket = null;
    #engine = null;
    #state = { min: 0, max: 100, value: 0, label: null, indeterminate: false, done: false };
    #callbacks = new Map(); // event → Set of callbacks of the page

    // Bound before the page's callbacks, so that these see the new state.
    #own = new Map([
      ['init', (data) => this.#init(data)],
      ['update', (data) => this.#update(data)],
      ['done', () => this.#change({ done: true })],
    ]);

    /** @param {string} [name] The name given to `ProgressBar(name)` on the server. */
    constructor(name = '') {
      if (typeof name !== 'string') {
        throw new TypeError(`name must be the name given to the server's ProgressBar, got ${typeof name}`);
      }
      this.#name = name;
      this.#prefix = name === '' ? 'module_progressbar_' : `module_progressbar_${name}_`;
    }

    /** @returns {string} */
    get name() {
      return this.#name;
    }

    /** @returns {number} */
    get min() {
      return this.#state.min;
    }

    /** @returns {number} */
    get max() {
      return this.#state.max;
    }

    /** @returns {number} Between `min` and `max`. */
    get value() {
      return this.#state.value;
    }

    /** @returns {?string} */
    get label() {
      return this.#state.label;
    }

    /** @returns {number} Percentage, 0-100. What has no measure (indeterminate, min equal to max) is 0 until done. */
    get progress() {
      return progress_of(this.#state);
    }

    /** @returns {boolean} */
    get indeterminate() {
      return this.#state.indeterminate;
    }

    /** @returns {boolean} */
    get done() {
      return this.#state.done;
    }

    /** Engine class that renders `<progress>`. */
    get EngineHtml5() {
      return EngineHtml5;
    }

    /** Engine class that renders Bootstrap 5's progress bar. */
    get EngineBootstrap() {
      return EngineBootstrap;
    }

    /**
     * Call a function at an event of the bar: `before_init`, `init`, `after_init`, `before_update`, `update`,
     * `after_update`, `done`, or any event that the server emits on it. State and engine are up to date by then.
     *
     * @param {string} event
     * @param {function(object)} callback
     * @returns {this}
     */
    on(event, callback) {
      if (typeof event !== 'string' || event === '' || typeof callback !== 'function') {
        throw new TypeError(
          `on(event, callback): expected a non-empty string and a function, got ${event}, ${typeof callback}`,
        );
      }
      if (!this.#callbacks.has(event)) this.#callbacks.set(event, new Set());
      this.#callbacks.get(event).add(callback);
      this.#socket?.on(this.#prefix + event, callback);
      return this;
    }

    /**
     * Stop calling a function at an event; without `callback`, every function that `on` registered for it.
     *
     * @param {string} event
     * @param {function(object)} [callback]
     * @returns {this}
     */
    off(event, callback) {
      const callbacks = this.#callbacks.get(event);
      for (const known of callback === undefined ? [...(callbacks ?? [])] : [callback]) {
        callbacks?.delete(known);
        this.#socket?.off(this.#prefix + event, known);
      }
      return this;
    }

    /**
     * Send an event to the bar on the server, such as `start`; see `TornadoWebSocket.emit`.
     *
     * @param {string} event
     * @param {*} [data]
     * @returns {boolean}
     */
    emit(event, data) {
      if (this.#socket === null) throw new Error('The progress bar has no socket yet: call ws.bind(progress) first');
      return this.#socket.emit(this.#prefix + event, data);
    }

    /**
     * Listen to a socket, instead of the one before; `ws.bind(progress)` does the same.
     *
     * @param {TornadoWebSocket} socket
     * @returns {this}
     */
    bind(socket) {
      if (typeof socket?.on !== 'function') throw new TypeError('bind(socket): expected a TornadoWebSocket');
      this.#each_callback((event, callback) => this.#socket?.off(event, callback));
      this.#socket = socket;
      this.#each_callback((event, callback) => socket.on(event, callback));
      return this;
    }

    /**
     * Render with an engine from now on; null for none. The engine shows the current state at once.
     *
     * @param {?{render: function(object), destroy?: function()}} engine
     * @returns {this}
     */
    set_engine(engine) {
      if (engine !== null && typeof engine?.render !== 'function') {
        throw new TypeError('set_engine(engine): expected an object with a render(state) method, or null');
      }
      if (engine !== this.#engine) this.#engine?.destroy?.();
      this.#engine = engine;
      this.#change({});
      return this;
    }

    #each_callback(call) {
      for (const [event, callback] of this.#own) call(this.#prefix + event, callback);
      for (const [event, callbacks] of this.#callbacks) {
        for (const callback of callbacks) call(this.#prefix + event, callback);
      }
    }

    #init(data) {
      const min = number(data.min, 0);
      const max = number(data.max, 100);
      const value = clamp(number(data.value, min), min, max);
      const indeterminate = data.indeterminate === true;
      this.#change({ min, max, value, label: text(data.label), indeterminate, done: false });
    }

    #update(data) {
      const { min, max, value, label } = this.#state;
      this.#change({
        value: clamp(number(data.value, value), min, max),
        label: data.label === undefined ? label : text(data.label),
      });
    }

    #change(changes) {
      this.#state = { ...this.#state, ...changes };
      this.#engine?.render(Object.freeze({ ...this.#state, progress: this.progress }));
    }
  }

  Object.defineProperty(Module, 'name', { value: 'ModuleProgressBar' });
  Object.assign(Module, { EngineHtml5, EngineBootstrap });
  const ModuleProgressBar = new Proxy(Module, { apply: (target, self, args) => new target(...args) });
  Module.prototype.constructor = ModuleProgressBar;

  globalThis.ModuleProgressBar = ModuleProgressBar;
})();
