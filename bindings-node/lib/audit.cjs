'use strict';
// The audit log of a host.

const { createWriteStream } = require('node:fs');
const { pipeline } = require('node:stream/promises');

const { AstridError, closed } = require('./error.cjs');
const { json, path } = require('./payload.cjs');
const { checkpoint, moments } = require('./time.cjs');

const isWritable = (value) =>
  typeof value === 'object' && value !== null && (typeof value.write === 'function' || typeof value.getWriter === 'function');

/** The log of everything that was asked, allowed and denied. */
class AuditLog {
  #line;

  constructor(line) {
    this.#line = line;
  }

  async entries(filter = {}) {
    const text = json('the filter', filter);
    const entries = await this.#line.call((number) => this.#line.native.auditEntries(number, text));
    return entries.map((entry) => moments(entry, 'timeNs', 'firstNs', 'lastNs'));
  }

  async verify() {
    return this.#line.call((number) => this.#line.native.auditVerify(number));
  }

  async checkpoint() {
    return checkpoint(await this.#line.call((number) => this.#line.native.auditCheckpoint(number)));
  }

  async export(to, { signal, ...filter } = {}) {
    signal?.throwIfAborted();
    const text = json('the filter', filter);
    const file = isWritable(to) ? null : path('file', to);
    const pieces = this.#line.make((native) => native.auditPieces(text));
    // A stream that takes nothing must not keep the home open.
    const stop = new AbortController();
    const staysOpen = this.#line.beforeClosing(() => stop.abort(closed('host')));
    const abort = () => stop.abort(signal.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await pipeline(this.#read(pieces), file === null ? to : createWriteStream(file), { signal: stop.signal });
    } catch (error) {
      stop.signal.throwIfAborted();
      if (file === null || error instanceof AstridError) throw error;
      throw new AstridError({ code: 'invalid_argument', message: `cannot write ${file}`, cause: error });
    } finally {
      signal?.removeEventListener('abort', abort);
      staysOpen();
      pieces.close();
    }
  }

  async publicKey() {
    return this.#line.call((number) => this.#line.native.auditPublicKey(number));
  }

  /** An export piece by piece; only a few are read ahead of what is taken. */
  #read(pieces) {
    const read = ({ bytes }) => ({ done: bytes === undefined, value: bytes });
    return {
      next: () => this.#line.call((number) => pieces.next(number), { read }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}

module.exports = { AuditLog };
