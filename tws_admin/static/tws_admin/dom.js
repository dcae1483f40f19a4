/** Nodes, made and changed with text alone: nothing that anybody has sent is ever read as HTML. */

/**
 * Make an element.
 *
 * @param {string} tag
 * @param {object} [attributes] By name; null, undefined and false leave one out, true sets an empty one.
 * @param {...(Node|string)} children Strings become text.
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set_attribute(node, name, value);
  node.append(...children);
  return node;
}

/** Return the address of this page with another value in its query; null takes it out. */
export function address_with(name, value) {
  const url = new URL(location.href);
  if (value === null) url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  return url.href;
}

export function button(text, on_click, attributes = {}) {
  const node = element('button', { type: 'button', class: 'tws-button', ...attributes }, text);
  node.addEventListener('click', on_click);
  return node;
}

/** Show a text in a node, and leave the node alone when it shows that already. */
export function set_text(node, text) {
  const { firstChild } = node;
  if (firstChild === null) {
    if (text !== '') node.textContent = text;
  } else if (firstChild.nodeType !== Node.TEXT_NODE || firstChild.nextSibling !== null) {
    node.textContent = text;
  } else if (firstChild.data !== text) {
    firstChild.data = text;
  }
}

export function set_attribute(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

export function set_hidden(node, is_hidden) {
  if (node && node.hidden !== is_hidden) node.hidden = is_hidden;
}

/** Say which part of the page one is: `find(root, 'rows', 'paths')` is `[data-tws-rows="paths"]`. */
export function find(root, kind, name) {
  return root.querySelector(`[data-tws${kind ? `-${kind}` : ''}="${CSS.escape(name)}"]`);
}

/** A choice among texts; keeps what is chosen when the choices change. */
export class Choice {
  /**
   * @param {string} label For screen readers.
   * @param {string} all What the choice of nothing is called.
   * @param {function(): void} on_change
   */
  constructor(label, all, on_change) {
    this.node = element('select', { 'aria-label': label }, new Option(all, ''));
    this.node.addEventListener('change', on_change);
  }

  get value() {
    return this.node.value;
  }

  set value(chosen) {
    if (![...this.node.options].some((option) => option.value === chosen)) this.node.append(new Option(chosen, chosen));
    this.node.value = chosen;
  }

  /** @param {Iterable<[string, string]>} choices Values and texts. */
  offer(choices) {
    const wanted = [...choices];
    const { value, options } = this.node;
    const is_same =
      options.length === wanted.length + 1 && wanted.every(([key], index) => options[index + 1].value === key);
    if (is_same) return;
    this.node.replaceChildren(options[0], ...wanted.map(([key, text]) => new Option(text, key)));
    this.value = value;
  }
}
