'use strict';
// The line to the native host: numbered calls go out, letters come in.

const native = require('./native.cjs');
const { closed, fromNative } = require('./error.cjs');
const { Handlers } = require('./handlers.cjs');
const keepalive = require('./keepalive.cjs');

/** One host's line. An open line lives until it is closed: capsules run whether or not anybody looks. */
class Line {
  #calls = new Map();
  #next = 1;
  #closed = false;
  #closing;
  #endings = new Set();

  constructor(options) {
    this.native = new native.NativeHost(() => this.#pump());
    this.handlers = new Handlers(this.native, options);
  }

  get closed() {
    return this.#closed;
  }

  /**
   * Begins a call with `begin(number)` and gives a Promise of its letter, turned into a value by `read`. An aborted
   * signal stops the call and rejects with its reason.
   */
  async call(begin, { signal, read = (mail) => JSON.parse(mail.text) } = {}) {
    if (this.#closed) throw closed('host');
    signal?.throwIfAborted();
    return read(await this.#letter(begin, signal));
  }

  #letter(begin, signal) {
    return new Promise((resolve, reject) => {
      const number = this.#next++ >>> 0;
      const abort = () => {
        this.native.cancel(number);
        this.#settle(number)?.reject(signal.reason);
      };
      keepalive.begin();
      this.#calls.set(number, { resolve, reject, release: () => signal?.removeEventListener('abort', abort) });
      signal?.addEventListener('abort', abort, { once: true });
      try {
        begin(number);
      } catch (error) {
        this.#settle(number)?.reject(error);
      }
    });
  }

  /** Takes a call off the list; nothing if it is settled already. */
  #settle(number) {
    const call = this.#calls.get(number);
    if (call === undefined) return undefined;
    this.#calls.delete(number);
    call.release();
    keepalive.end();
    return call;
  }

  /** Reads all letters. Nothing here throws: an exception would be nobody's and end the process. */
  #pump() {
    const letters = this.native.drain();
    // Whoever learns by a letter that a call is done has heard what came before it.
    this.handlers.hear();
    for (const mail of letters) {
      switch (mail.what) {
        case 'question':
          this.handlers.ask(mail.id, mail.text);
          break;
        case 'withdrawn':
          this.handlers.withdraw(mail.id);
          break;
        case 'forgotten':
          this.handlers.exceptions.delete(mail.id);
          break;
        case 'error':
          this.#settle(mail.id)?.reject(this.error(mail));
          break;
        default:
          this.#settle(mail.id)?.resolve(mail);
      }
    }
  }

  /** The error of a letter. */
  error(mail) {
    return fromNative(mail.text, this.handlers.exceptions);
  }

  /** What a native method makes at once; a text is the failure. */
  make(make) {
    if (this.#closed) throw closed('host');
    const made = make(this.native);
    if (typeof made === 'string') throw this.error({ text: made });
    return made;
  }

  /** Has `end` called when the host begins to close, unless the function that it gives is called before. */
  beforeClosing(end) {
    this.#endings.add(end);
    return () => this.#endings.delete(end);
  }

  /** Closes the host and hangs up; calls that have no letter by then are closed too. */
  close() {
    return (this.#closing ??= this.#shut());
  }

  async #shut() {
    if (this.#closed) return;
    for (const end of this.#endings) end();
    try {
      await this.call((number) => this.native.close(number), { read: () => undefined });
    } finally {
      this.hangUp();
    }
  }

  /** Hangs up at once, for a host that never opened. */
  hangUp() {
    this.#closed = true;
    this.handlers.hearOut();
    this.native.detach();
    for (const number of [...this.#calls.keys()]) this.#settle(number).reject(closed('host'));
  }
}

module.exports = { Line };
