/**
 * Progress tasks on any page of the admin: takes over what the server has rendered, and keeps it up to date.
 *
 * What is found in the page stands in the templates `tws_admin/tasks/head.html` and `card.html`. The scripts set
 * data-tws-link on the root: `live`, `reconnecting`, `polling`, `away`, `ended`.
 */

import { element, set_attribute, set_hidden } from '../dom.js';
import { Format } from '../format.js';
import { gettext, interpolate } from '../text.js';
import { Card } from './card.js';
import { take_over } from './control.js';
import { copy_card } from './copy.js';
import { fetch_json } from './fetching.js';
import { Refresh } from './refresh.js';
import { has_ended, is_turn, Runs } from './runs.js';
import { Toasts } from './toasts.js';
import { Told } from './told.js';
import { Watch } from './watch.js';
import { is_active, words_of_state } from './words.js';

// The page loads it as a classic script: not every web server knows that client.mjs is JavaScript.
const { TornadoWebSocket } = globalThis;

const TOLD_WITHIN_S = 60;
const REFRESH_EVERY_S = 10;
const MAX_CARDS = 20;

class Tasks {
  #root;
  #options;
  #format = new Format(document.documentElement.lang);
  #runs = new Runs();
  #cards = new Map(); // id of a run → its cards
  #told = new Told(() => globalThis.localStorage);
  #toasts = null;
  #untold = new Map(); // id → row, of what ended while nobody saw this page
  #refresh = new Refresh();
  #watch;
  #speaker = element('p', { class: 'tws-spoken', role: 'status' });
  #link_notice = element('p', { class: 'tws-link-notice', role: 'status', hidden: true });
  #is_planned = false;
  #seconds = 0;

  constructor(root) {
    this.#root = root;
    this.#options = root.dataset;
    const corner = element('div', { class: 'tws-corner' }, this.#speaker, this.#link_notice);
    document.body.append(corner);
    if (this.#options.twsToasts !== 'no') this.#toasts = new Toasts(corner, this.#format);
    for (const node of document.querySelectorAll('[data-tws-task]')) this.#adopt(node);
    const first = document.getElementById('tws-tasks');
    if (first) this.#take_list(JSON.parse(first.textContent));
    this.#watch = new Watch({
      Client: TornadoWebSocket,
      path: this.#options.twsSocket,
      poll: () => fetch_json(this.#options.twsStatesUrl),
    });
    this.#watch
      .on('tasks', (data) => this.#take_list(data))
      .on('task', (row) => this.#changed(this.#runs.take(row)))
      .on('state', (link) => this.#show_link(link));
    setInterval(() => this.#tick(), 1000);
    document.addEventListener('visibilitychange', () => this.#seen());
  }

  /** Show what is known, now. */
  render() {
    this.#is_planned = false;
    const now = this.#runs.now();
    for (const [id, cards] of this.#cards) {
      const row = this.#runs.get(id);
      if (row) for (const card of cards) card.show(row, now);
    }
  }

  #adopt(node) {
    const id = node.dataset.twsTask;
    const card = new Card(node, this.#format);
    this.#cards.set(id, [...(this.#cards.get(id) ?? []), card]);
    take_over(card, (verb) => {
      const asked = this.#runs.moment;
      return (answer) => this.#answered(card, verb, asked, answer);
    });
  }

  #take_list(data) {
    const changes = this.#runs.take_list(data);
    for (const change of changes) this.#changed(change, true);
    const listed = new Set(data.tasks.map(({ id }) => id));
    for (const [id, [card]] of this.#cards) {
      const { state = card.data.twsState } = this.#runs.get(id) ?? {};
      if (is_active({ state }) && !listed.has(id)) this.#ask_state(card);
    }
  }

  /** Ask after a run that the server does not list: it ended long ago, while this page slept, or is no more. */
  async #ask_state(card) {
    const asked = this.#runs.moment;
    try {
      const { task } = (await fetch_json(card.data.twsStateUrl)) ?? {};
      if (task) this.#changed(this.#runs.take_answer(task, asked));
    } catch (error) {
      if (error.status === 404) card.answer(gettext('This task was deleted.'));
    }
  }

  #changed(change, is_listed = false) {
    const { row, before } = change;
    if (!this.#cards.has(row.id) && this.#fits(row) && (is_active(row) || !is_listed)) this.#add_card(row);
    const cards = this.#cards.get(row.id);
    if (cards && is_turn(change)) this.#speak(row);
    if (cards && before && (is_turn(change) || row.errors !== before.errors)) this.#refresh.plan();
    if (!is_active(row) && (has_ended(change) || this.#runs.now() - row.ended < TOLD_WITHIN_S)) this.#tell(row);
    this.#plan();
  }

  #fits({ site, model }) {
    const { twsPage, twsSite, twsModel } = this.#options;
    return twsPage === 'changelist' && site === twsSite && model === twsModel;
  }

  #add_card(row) {
    const place = document.querySelector('[data-tws-cards]');
    const template = document.getElementById('tws-task-template');
    if (!place || !template) return;
    const may_change = this.#options.twsMay === 'change' || row.user === this.#options.twsUser;
    const node = copy_card(template, row, may_change);
    place.prepend(node);
    this.#adopt(node);
    set_hidden(document.querySelector('[data-tws-more]'), false);
    const over = [...place.children].slice(MAX_CARDS).filter((old) => !is_active(this.#runs.get(old.dataset.twsTask)));
    for (const old of over) {
      this.#cards.delete(old.dataset.twsTask);
      old.remove();
    }
  }

  #answered(card, verb, asked, { ok, task, error }) {
    if (task && ok && verb === 'retry_failed' && this.#options.twsPage === 'task') {
      location.assign(task.url);
      return;
    }
    if (task) this.#changed(this.#runs.take_answer(task, asked));
    this.render(); // before the answer, which a new state would take back
    if (!ok) card.answer(error);
  }

  /** Read out what a run has come to. Rows of a list would say too much. */
  #speak(row) {
    if (this.#options.twsPage === 'list') return;
    const words = { title: row.title, state: words_of_state(row, this.#runs.now()) };
    this.#speaker.textContent = interpolate(gettext('%(title)s: %(state)s'), words);
  }

  /** Tell whose run it is that it has ended: once in this browser, and where somebody sees it. */
  #tell(row) {
    if (row.user !== this.#options.twsUser) return;
    if (document.hidden) {
      this.#untold.set(row.id, row);
      return;
    }
    if (!this.#told.add(row) || this.#cards.has(row.id)) return;
    this.#toasts?.show(row, this.#runs.now());
  }

  #seen() {
    if (document.hidden) return;
    const untold = [...this.#untold.values()];
    this.#untold.clear();
    for (const row of untold) this.#tell(row);
    this.#watch.ask();
    this.#plan();
  }

  #tick() {
    this.#seconds += 1;
    const has_active = [...this.#cards.keys()].some((id) => is_active(this.#runs.get(id) ?? { state: '' }));
    if (has_active && this.#seconds % REFRESH_EVERY_S === 0 && !document.hidden) this.#refresh.plan();
    this.#plan();
  }

  #show_link(link) {
    set_attribute(this.#root, 'data-tws-link', link);
    const words = this.#words_of_link(link);
    const is_shown = words.length > 0 && this.#options.twsPage !== 'other';
    set_hidden(this.#link_notice, !is_shown);
    this.#link_notice.replaceChildren(...(is_shown ? words : []));
  }

  #words_of_link(link) {
    if (link === 'ended') {
      const login = element('a', { href: this.#options.twsLoginUrl }, gettext('Log in'));
      return [gettext('Your session has ended.'), ' ', login];
    }
    if (link !== 'away') return [];
    const time = this.#format.clock(Date.now() / 1000);
    return [interpolate(gettext('The server has not answered since %(time)s.'), { time })];
  }

  /** Render before the browser paints next, once for all that came until then. */
  #plan() {
    if (this.#is_planned || document.hidden) return;
    this.#is_planned = true;
    requestAnimationFrame(() => this.render());
  }
}

const root = document.getElementById('tws-tasks-root');
if (root) root.tasks = new Tasks(root);
