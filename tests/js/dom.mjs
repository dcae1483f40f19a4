/** Just enough of the DOM for the engines of the progress bar; the real one is for the browser tests. */

class ClassList extends Set {
  add(...names) {
    for (const name of names) super.add(name);
  }

  contains(name) {
    return this.has(name);
  }

  toggle(name, on) {
    if (on) this.add(name);
    else this.delete(name);
  }
}

export class Element {
  #text = '';

  constructor(tag, document) {
    this.localName = tag;
    this.ownerDocument = document;
    this.parent = null;
    this.children = [];
    this.attributes = new Map();
    this.classList = new ClassList();
    this.style = {};
    this.writes = 0;
  }

  get id() {
    return this.getAttribute('id') ?? '';
  }

  set id(value) {
    this.setAttribute('id', value);
  }

  get textContent() {
    return this.children.length > 0 ? this.children.map((child) => child.textContent).join('') : this.#text;
  }

  set textContent(value) {
    this.writes += 1;
    this.#text = value;
  }

  get firstElementChild() {
    return this.children[0] ?? null;
  }

  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }

  setAttribute(name, value) {
    if (typeof value !== 'string') throw new TypeError(`${name}: attributes of this DOM are strings`);
    this.attributes.set(name, value);
  }

  removeAttribute(name) {
    this.attributes.delete(name);
  }

  #insert(index, elements) {
    for (const element of elements) element.parent = this;
    this.children.splice(index, 0, ...elements);
  }

  append(...elements) {
    this.#insert(this.children.length, elements);
  }

  prepend(...elements) {
    this.#insert(0, elements);
  }

  after(...elements) {
    this.parent.#insert(this.parent.children.indexOf(this) + 1, elements);
  }

  remove() {
    this.parent.children.splice(this.parent.children.indexOf(this), 1);
    this.parent = null;
  }

  /** The first descendant with a class, for tests. */
  find(name) {
    for (const child of this.children) {
      const found = child.classList.contains(name) ? child : child.find(name);
      if (found) return found;
    }
    return null;
  }
}

/** Return a document whose body holds one `<div id="container">`. */
export function new_document() {
  const document = {
    createElement: (tag) => new Element(tag, document),
    querySelector: (selector) => document.body.children.find(({ id }) => `#${id}` === selector) ?? null,
  };
  document.body = document.createElement('body');
  const container = document.createElement('div');
  container.id = 'container';
  document.body.append(container);
  return document;
}
