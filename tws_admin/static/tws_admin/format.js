/**
 * Numbers, sizes and times as people read them, in the language of the page.
 *
 * The server's first paint writes them the same way (`figures.py`), so that nothing jumps when the scripts take over.
 */

import { gettext, interpolate } from './text.js';

export const NONE = '–';

const DAY_S = 86_400;
const HOUR_S = 3600;
const MINUTE_S = 60;

/** Return how many digits behind the point a number needs to have three that count. */
function digits_of(value) {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return 0;
  return size >= 10 ? 1 : 2;
}

/** Each method takes a number, or null for what is not known. */
export class Format {
  #language;
  #numbers = new Map(); // Intl objects are slow to make
  #time;
  #clock;
  #moment;

  /** @param {string} [language] A BCP 47 tag; one that Intl does not know is passed over. */
  constructor(language) {
    try {
      [this.#language] = Intl.getCanonicalLocales(language || 'en');
    } catch {
      this.#language = 'en';
    }
    const time = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
    const clock = { ...time, second: '2-digit' };
    this.#time = new Intl.DateTimeFormat(this.#language, time);
    this.#clock = new Intl.DateTimeFormat(this.#language, clock);
    const date = { year: 'numeric', month: 'short', day: 'numeric' };
    this.#moment = new Intl.DateTimeFormat(this.#language, { ...clock, ...date });
  }

  /** 12,345 */
  number = (value) => known(value, () => this.#write(value));

  /** 97.5/s */
  rate = (value) => known(value, () => this.#unit(gettext('%(amount)s/s'), value));

  /** 1.5 MB */
  bytes = (value) => known(value, () => this.#size(value));

  /** 1.5 MB/s */
  byte_rate = (value) => known(value, () => interpolate(gettext('%(amount)s/s'), { amount: this.#size(value) }));

  /** 0.42 ms, 1.2 s: how long something took, from milliseconds. */
  ms = (value) =>
    known(value, () =>
      Math.abs(value) >= 1000
        ? this.#unit(gettext('%(amount)s s'), value / 1000)
        : this.#unit(gettext('%(amount)s ms'), value),
    );

  /** 2 h 5 min: the two greatest units of how long something lasts, from seconds. */
  duration = (value) => known(value, () => this.#lasting(Math.max(0, Math.floor(value))));

  /** 14:03, from a Unix time in seconds, where the reader is. */
  time = (value) => known(value, () => this.#time.format(value * 1000));

  /** 14:03:59, from a Unix time in seconds, where the reader is. */
  clock = (value) => known(value, () => this.#clock.format(value * 1000));

  /** 3 Feb 2026, 14:03:59 */
  moment = (value) => known(value, () => this.#moment.format(value * 1000));

  #size(value) {
    const texts = [
      gettext('%(amount)s byte'),
      gettext('%(amount)s kB'),
      gettext('%(amount)s MB'),
      gettext('%(amount)s GB'),
      gettext('%(amount)s TB'),
    ];
    let scaled = value;
    let index = 0;
    // 999.5 kB would be written as 1,000 kB.
    while (Math.abs(scaled) >= 999.5 && index < texts.length - 1) {
      scaled /= 1000;
      index += 1;
    }
    return this.#unit(texts[index], index === 0 ? Math.round(scaled) : scaled);
  }

  #lasting(seconds) {
    const units = [
      [gettext('%(amount)s d'), DAY_S],
      [gettext('%(amount)s h'), HOUR_S],
      [gettext('%(amount)s min'), MINUTE_S],
      [gettext('%(amount)s s'), 1],
    ];
    const first = Math.max(
      0,
      units.findIndex(([, size]) => seconds >= size),
    );
    if (seconds === 0) return this.#unit(units.at(-1)[0], 0);
    const parts = [];
    let rest = seconds;
    for (const [text, size] of units.slice(first, first + 2)) {
      const amount = Math.floor(rest / size);
      if (amount > 0) parts.push(this.#unit(text, amount));
      rest -= amount * size;
    }
    return parts.join(' ');
  }

  #unit(text, value) {
    return interpolate(text, { amount: this.#write(value) });
  }

  #write(value) {
    const digits = digits_of(value);
    if (!this.#numbers.has(digits)) {
      this.#numbers.set(digits, new Intl.NumberFormat(this.#language, { maximumFractionDigits: digits }));
    }
    return this.#numbers.get(digits).format(value);
  }
}

function known(value, write) {
  return typeof value === 'number' && Number.isFinite(value) ? write() : NONE;
}
