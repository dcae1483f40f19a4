/**
 * The other end of the client in these tests: a WebSocket constructor without a network, played by the test.
 *
 * It keeps the rules of the standard that matter to a client: send() throws while connecting and is silent while
 * closing, close() checks its arguments, `close` comes last and once.
 */

/** Return a fresh constructor; `.sockets` lists what it made, `.last` is the newest. */
export function new_peer() {
  return class Peer extends EventTarget {
    static sockets = [];

    static get last() {
      return this.sockets.at(-1);
    }

    readyState = 0;
    sent = [];
    close_arguments = null;

    constructor(url, protocols) {
      super();
      this.url = url;
      this.protocols = protocols;
      Peer.sockets.push(this);
    }

    send(frame) {
      if (this.readyState === 0) throw new Error('InvalidStateError: still connecting');
      if (this.readyState === 1) this.sent.push(JSON.parse(frame));
    }

    close(code = 1000, reason = '') {
      if (code !== 1000 && !(code >= 3000 && code <= 4999)) throw new RangeError(`InvalidAccessError: ${code}`);
      this.close_arguments = [code, reason];
      this.readyState = 2;
    }

    // What the test makes happen.

    accept() {
      this.readyState = 1;
      this.dispatchEvent(new Event('open'));
    }

    deliver(data) {
      this.dispatchEvent(Object.assign(new Event('message'), { data }));
    }

    emit(event, data) {
      this.deliver(JSON.stringify({ event, data }));
    }

    fail() {
      this.dispatchEvent(new Event('error'));
      this.drop(1006);
    }

    drop(code, reason = '') {
      this.readyState = 3;
      this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
    }
  };
}
