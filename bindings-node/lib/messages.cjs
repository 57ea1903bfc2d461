'use strict';
// A subscription as an async iterator.

const { Feed } = require('./feed.cjs');
const { Message } = require('./result.cjs');

function read(text) {
  const message = JSON.parse(text);
  return message && new Message(message);
}

/** The messages of one subscription, in the order they came; ends when it or its host is closed. */
class Messages extends Feed {
  #native;

  constructor(line, native) {
    super(line, native, ({ text }) => read(text));
    this.#native = native;
  }

  /** The next message if one is there now, otherwise null. */
  take() {
    return read(this.#native.take() ?? 'null');
  }
}

module.exports = { Messages };
