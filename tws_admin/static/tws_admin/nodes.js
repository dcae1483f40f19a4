/** The processes that serve this site together, and which of them the page shows. */

import { show_answers } from './answers.js';
import { address_with, button, Choice, element, find, set_attribute, set_hidden, set_text } from './dom.js';
import { NONE } from './format.js';
import { styles_of } from './paths.js';
import { columns_of, new_row, Rows } from './table.js';
import { gettext, interpolate } from './text.js';

const TEXTS = {
  state: ({ state }, standings) => standings[state] ?? state,
  version: ({ version }) => version || NONE,
};

export class Nodes {
  #root;
  #format;
  #words;
  #watch;
  #asks_for;
  #rows;
  #filter;
  #notice;
  #section;
  #alone;
  #degraded;

  /**
   * @param {HTMLElement} root
   * @param {Format} format
   * @param {object} tools
   * @param {object} tools.words With the `standings` and `hints` of nodes, translated, by the feed's `state`.
   * @param {function(string|null): void} tools.watch Shows one node, or all.
   * @param {function(string|null): boolean} tools.asks_for Whether that is what the page has asked for.
   */
  constructor(root, format, { words, watch, asks_for }) {
    this.#root = root;
    this.#format = format;
    this.#words = words;
    this.#watch = watch;
    this.#asks_for = asks_for;
    this.#section = find(root, '', 'nodes');
    this.#alone = find(root, 'notice', 'alone');
    this.#degraded = find(root, 'notice', 'degraded');
    const body = find(root, 'rows', 'nodes');
    const table = body.closest('table');
    const columns = columns_of(table);
    const styles = styles_of(table);
    this.#rows = new Rows(body, (key) => this.#new_row(key, columns, styles));
    this.#filter = new Choice(gettext('Node'), gettext('All nodes'), () => watch(this.#filter.value || null));
    set_hidden(this.#filter.node, true);
    find(root, 'controls', 'status').append(this.#filter.node);
    const all = find(root, 'node', '');
    all.addEventListener('click', (event) => this.#follow(event, null));
    this.#notice = element('p', { class: 'tws-notice', role: 'status', 'data-tws-notice': 'gone', hidden: true });
    find(root, '', 'status').after(this.#notice);
  }

  show({ nodes, node, server }) {
    this.#show_trouble(server.trouble);
    set_hidden(this.#alone, node === null || this.#asks_for(node));
    if (nodes.size === 0 && this.#section.hidden) return; // as it is for who serves with one process
    const found = [...nodes];
    const is_sum = node === null && nodes.size > 1;
    const has_gone = node !== null && !nodes.has(node);
    if (has_gone) this.gone(node); // while its name is among those to choose from
    set_hidden(this.#section, nodes.size === 0);
    set_hidden(this.#filter.node, nodes.size === 0);
    this.#filter.offer(found.map(([id, { name }]) => [id, name]));
    this.#filter.value = has_gone ? '' : (node ?? '');
    this.#rows.update(found);
    for (const link of this.#root.querySelectorAll('[data-tws-node]')) {
      set_attribute(link, 'href', address_with('node', link.dataset.twsNode || null));
      set_attribute(link, 'aria-current', link.dataset.twsNode === (node ?? '') ? 'true' : null);
    }
    set_hidden(find(this.#root, 'empty', 'nodes'), nodes.size !== 1);
    const silent = found.filter(([, { state }]) => state === 'stale').length;
    const answers = { asked: nodes.size, answered: nodes.size - silent };
    show_answers(find(this.#root, 'answered', 'nodes'), answers);
    this.#show_facts(is_sum, nodes.size);
  }

  /** Say that a node which was to be shown is not there any more, and show all. */
  gone(node) {
    const name = [...this.#filter.node.options].find(({ value }) => value === node)?.text ?? node;
    const text = interpolate(gettext('The node %(name)s has gone: all nodes are shown.'), { name });
    set_hidden(this.#notice, false);
    this.#notice.replaceChildren(
      text,
      ' ',
      button(gettext('Close'), () => set_hidden(this.#notice, true)),
    );
    this.#watch(null);
  }

  #show_facts(is_sum, count) {
    for (const fact of this.#root.querySelectorAll('[data-tws-fact]')) {
      const is_of_sum = fact.dataset.twsFact === 'nodes';
      set_hidden(fact, is_of_sum !== is_sum);
      if (is_of_sum) set_text(fact.querySelector('dd'), this.#format.number(count));
    }
  }

  /** What is wrong may tell how long already: screen readers hear that something is, and once. */
  #show_trouble(trouble) {
    const notice = this.#degraded;
    if (notice.hidden === !trouble) return;
    set_hidden(notice, !trouble);
    const words = notice.querySelector('[role="status"] strong');
    const text = words.textContent;
    set_text(words, '');
    set_text(words, text);
  }

  #follow(event, node) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#watch(node);
  }

  #new_row(key, columns, styles) {
    const { row, cells } = new_row(key, columns, { numeric: Object.keys(styles) });
    const link = element('a', { href: address_with('node', key), 'data-tws-node': key });
    link.addEventListener('click', (event) => this.#follow(event, key));
    const here = element('span', { class: 'tws-tag', hidden: true }, gettext('this page'));
    cells.name.append(link, ' ', here);
    const update = (node) => {
      set_text(link, node.name);
      set_hidden(here, !node.here);
      for (const [name, write] of Object.entries(TEXTS)) set_text(cells[name], write(node, this.#words.standings ?? {}));
      set_attribute(cells.state, 'title', this.#words.hints?.[node.state] || node.trouble || null);
      for (const [name, style] of Object.entries(styles)) set_text(cells[name], this.#format[style](node[name] ?? null));
      row.className = `tws-node-${node.state}`;
    };
    return { nodes: [row], update };
  }
}
