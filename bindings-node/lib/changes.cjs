'use strict';
// A watch over the folders of capsules as an async iterator.

const { Feed } = require('./feed.cjs');

/** What changed, in the order in which it was noticed; ends when it or its host is closed. */
class CapsuleChanges extends Feed {
  constructor(line, native) {
    super(line, native, ({ text }) => {
      const change = JSON.parse(text);
      return change && { ...change, error: change.error && line.error({ text: change.error }) };
    });
  }
}

module.exports = { CapsuleChanges };
