'use strict';
// What comes bit by bit, as an async iterator; ends when it or its host is closed.

const { asyncDispose } = require('./dispose.cjs');

/** Whatever a native feed gives, each read by `read`, which says `null` at the end. */
class Feed {
  #line;
  #native;
  #read;
  #ended = new AbortController();

  constructor(line, native, read) {
    this.#line = line;
    this.#native = native;
    this.#read = read;
  }

  async next() {
    const { signal } = this.#ended;
    try {
      const value = await this.#line.call((number) => this.#native.next(number), { signal, read: this.#read });
      if (value !== null) return { done: false, value };
    } catch (error) {
      if (!signal.aborted && error.code !== 'closed') throw error;
    }
    return { done: true, value: undefined };
  }

  async return(value) {
    this.close();
    return { done: true, value };
  }

  /** Ends it; an open `next()` is done. */
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

module.exports = { Feed };
