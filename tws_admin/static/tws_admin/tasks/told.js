/** Which ends of runs somebody was told of in this browser, whatever the page. */

const KEY = 'tws-tasks-told';
const SIZE = 100;

export class Told {
  #storage;

  /** @param {function(): Storage} storage Where it refuses it is done without: a reload may then tell something twice. */
  constructor(storage) {
    this.#storage = storage;
  }

  /** Remember the end of a run; returns false when it was told already. A run may end again after a retry. */
  add({ id, attempt }) {
    const name = `${id} ${attempt}`;
    const known = this.#read();
    if (known.includes(name)) return false;
    try {
      this.#storage().setItem(KEY, JSON.stringify([...known, name].slice(-SIZE)));
    } catch {
      // The storage is full, or switched off.
    }
    return true;
  }

  #read() {
    try {
      const known = JSON.parse(this.#storage().getItem(KEY) ?? '[]');
      return Array.isArray(known) ? known : [];
    } catch {
      return [];
    }
  }
}
