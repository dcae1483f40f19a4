/** The parts of a run's page that only the server writes: errors, log, files, timeline. They are fetched with the page. */

const EVERY_MS = 5000;

export class Refresh {
  #is_due = false;
  #is_running = false;
  #timer = null;
  #fetched = 0;

  /** Whether the page has such parts. */
  get is_needed() {
    return document.querySelector('[data-tws-refresh]') !== null;
  }

  /** Bring them up to date: at once, or some seconds after the last time. */
  plan() {
    if (!this.is_needed) return;
    this.#is_due = true;
    if (this.#is_running || this.#timer !== null) return;
    const wait_ms = Math.max(0, this.#fetched + EVERY_MS - performance.now());
    this.#timer = setTimeout(() => this.#run(), this.#fetched === 0 ? 0 : wait_ms);
  }

  async #run() {
    this.#timer = null;
    this.#is_running = true;
    this.#is_due = false;
    this.#fetched = performance.now();
    try {
      const answer = await fetch(location.href, { cache: 'no-store' });
      if (answer.ok && !answer.redirected) this.#replace(await answer.text());
    } catch {
      this.#is_due = true; // the server is away
    }
    this.#is_running = false;
    if (this.#is_due) this.plan();
  }

  #replace(text) {
    const page = new DOMParser().parseFromString(text, 'text/html');
    for (const old of document.querySelectorAll('[data-tws-refresh]')) {
      const fresh = page.querySelector(`[data-tws-refresh="${CSS.escape(old.dataset.twsRefresh)}"]`);
      if (fresh === null || old.isEqualNode(fresh)) continue;
      // Whoever is in there with the keyboard stays there.
      if (old.contains(document.activeElement)) this.#is_due = true;
      else old.replaceWith(document.adoptNode(fresh));
    }
  }
}
