'use strict';
// A subscription as an async iterator.

const { asyncDispose } = require('./dispose.cjs');
const { Message } = require('./result.cjs');

/** The messages of one subscription, in the order they came; ends when it or its host is closed. */
class Messages {
  #line;
  #native;
  #ended = new AbortController();

  constructor(line, native) {
    this.#line = line;
    this.#native = native;
  }

  async next() {
    const { signal } = this.#ended;
    try {
      const message = await this.#line.call((number) => this.#native.next(number), { signal });
      if (message !== null) return { done: false, value: new Message(message) };
    } catch (error) {
      if (!signal.aborted && error.code !== 'closed') throw error;
    }
    return { done: true, value: undefined };
  }

  async return(value) {
    this.close();
    return { done: true, value };
  }

  /** Ends the subscription; an open `next()` is done. */
  close() {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#native.close();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async [asyncDispose]() {
    this.close();
  }
}

module.exports = { Messages };
