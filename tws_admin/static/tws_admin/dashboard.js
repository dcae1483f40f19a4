/** The page of the live monitor: takes over what the server has rendered, and keeps it up to date. */

import { Actions } from './actions.js';
import { Charts } from './chart.js';
import { Connections } from './connections.js';
import { address_with, button, find, set_attribute, set_text } from './dom.js';
import { Format } from './format.js';
import { Inspector } from './inspector.js';
import { Lifecycle } from './lifecycle.js';
import { Link } from './link.js';
import { Nodes } from './nodes.js';
import { Paths } from './paths.js';
import { Progress } from './progress.js';
import { State } from './state.js';
import { TaskTable } from './tasks/table.js';
import { gettext } from './text.js';
import { View } from './view.js';

// The page loads it as a classic script: not every web server knows that client.mjs is JavaScript.
const { TornadoWebSocket } = globalThis;

const json_of = (id) => JSON.parse(document.getElementById(id)?.textContent ?? '{}');

class Dashboard {
  #root;
  #state;
  #link;
  #view;
  #sections;
  #inspector;
  #nodes;
  #pause;
  #is_paused = false;
  #is_planned = false;

  constructor(root) {
    this.#root = root;
    const format = new Format(document.documentElement.lang);
    const words = json_of('tws-words');
    this.#state = new State(root.dataset.twsRange);
    const node = root.dataset.twsNodeAsked || null;
    this.#link = new Link({ Client: TornadoWebSocket, poll: () => this.#fetch(), node });
    const link = this.#link;
    const actions = new Actions(root, link);
    const connections = new Connections(root, format, { link, actions });
    this.#inspector = new Inspector(root, format, link);
    this.#view = new View(root, format);
    this.#nodes = new Nodes(root, format, {
      words,
      watch: (id) => this.#watch(id),
      // Over the feed comes what was asked for, even if it is still on its way.
      asks_for: (id) => link.is_open || link.node === id,
    });
    const tools = {
      words,
      actions,
      show_connections: (path) => connections.choose(path),
      inspect: (path) => this.#inspector.inspect(path),
    };
    this.#sections = [
      actions,
      this.#view,
      this.#nodes,
      this.#inspector,
      new Charts(root, format),
      new Paths(root, format, tools),
      connections,
      new Progress(root, format),
      new TaskTable(root, format),
      new Lifecycle(root, format, words.kinds ?? {}),
    ];
    this.#pause = button(gettext('Pause'), () => this.#toggle_pause(), { 'aria-pressed': 'false' });
    find(root, 'controls', 'status').append(this.#pause);
    this.#listen();
    this.#take_first_paint();
  }

  /** What is known, for whoever looks at the page with the tools of a browser. */
  get state() {
    return this.#state;
  }

  /** Apply a tick of the feed; where it does not fit, ask for everything. */
  tick(data) {
    if (this.#state.tick(data)) this.#plan();
    else this.#link.resync(this.#state.range);
  }

  /** Show what is known, now. */
  render() {
    this.#is_planned = false;
    for (const section of this.#sections) section.show(this.#state);
    this.#show_link();
  }

  #listen() {
    this.#link
      .on('snapshot', (data) => this.#take(data))
      .on('tick', (data) => this.tick(data))
      .on('history', ({ range, ...rings }) => this.#take_history(range, rings))
      .on('gone', (node) => this.#nodes.gone(node))
      .on('inspected', (data) => this.#inspector.add(data))
      .on('inspecting', (data) => this.#inspector.changed(data))
      .on('state', (link) => {
        if (link !== 'live') this.#inspector.ended();
        this.#show_link();
      });
    document.addEventListener('visibilitychange', () => {
      this.#link.is_visible = !document.hidden;
      if (document.hidden) return;
      this.#link.resync(this.#state.range); // with the history of the time when nobody looked
      this.#plan();
    });
    this.#link.is_visible = !document.hidden;
    for (const choice of this.#root.querySelectorAll('[data-tws-choose]')) {
      choice.addEventListener('click', (event) => this.#choose(event, choice));
    }
  }

  #take_first_paint() {
    const snapshot = json_of('tws-snapshot');
    if (this.#root.dataset.twsRunning !== 'yes' || snapshot.epoch === undefined) return;
    this.#state.snapshot(snapshot);
    this.render();
  }

  #take(snapshot) {
    this.#state.snapshot(snapshot);
    // What comes when a connection opens has the history of ten minutes, whatever this page shows.
    if (snapshot.history?.step_s !== this.#state.history.step_s) this.#ask_history();
    this.#plan();
  }

  #take_history(range, rings) {
    this.#state.take_history(range, rings);
    this.#plan();
  }

  #ask_history() {
    this.#link.ask('history', { range: this.#state.range }).catch(() => {});
  }

  /** Choose a range of time; without a connection the link is followed, and the server renders it. */
  #choose(event, choice) {
    if (!this.#link.is_open || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const range = choice.dataset.twsChoose;
    this.#state.choose(range);
    this.#view.show_range(range);
    history.replaceState(null, '', address_with('range', range));
    this.#ask_history();
  }

  /** Show one node, or all; without a connection the server renders that. */
  #watch(node) {
    const address = address_with('node', node);
    if (!this.#link.is_open) {
      location.assign(address);
      return;
    }
    history.replaceState(null, '', address);
    for (const choice of this.#root.querySelectorAll('[data-tws-choose]')) {
      set_attribute(choice, 'href', address_with('range', choice.dataset.twsChoose));
    }
    this.#link.watch(node, this.#state.range);
  }

  #toggle_pause() {
    this.#is_paused = !this.#is_paused;
    set_attribute(this.#pause, 'aria-pressed', String(this.#is_paused));
    set_text(this.#pause, this.#is_paused ? gettext('Go on') : gettext('Pause'));
    this.#show_link();
    this.#plan();
  }

  #show_link() {
    this.#view.show_link(this.#link.state, this.#state, this.#is_paused);
  }

  /** Render before the browser paints next, once for all that came until then. */
  #plan() {
    if (this.#is_planned || this.#is_paused || document.hidden) return;
    this.#is_planned = true;
    requestAnimationFrame(() => this.render());
  }

  /** Fetch a snapshot over HTTP; null when the server asks to log in, or refuses. */
  async #fetch() {
    const url = new URL(this.#root.dataset.twsSnapshotUrl, location.href);
    url.searchParams.set('range', this.#state.range);
    if (this.#link.node !== null) url.searchParams.set('node', this.#link.node);
    const answer = await fetch(url, { headers: { Accept: 'application/json' }, cache: 'no-store' });
    if (answer.redirected || answer.status === 403) return null;
    if (!answer.ok) throw new Error(`expected a snapshot, got status ${answer.status}`);
    const { data } = await answer.json();
    if (data.server.state === 'absent') throw new Error('the process that answers HTTP has no WebSocket server');
    return data;
  }
}

const root = document.getElementById('tws-dashboard');
if (root) root.dashboard = new Dashboard(root);
