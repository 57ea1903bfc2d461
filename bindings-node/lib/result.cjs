'use strict';
// The values a program gets back.

/** What a hook answered: a word that says what to do, and data if it gave any. */
class HookResult {
  constructor(action, data) {
    this.action = action;
    this.data = data ?? null;
  }

  /** The data read as JSON; null if there is none. */
  json() {
    return this.data === null ? null : JSON.parse(this.data);
  }
}

/** A message of the bus. */
class Message {
  constructor({ topic, payload, source, attribution, principal }) {
    this.topic = topic;
    this.payload = payload;
    this.source = source;
    this.attribution = attribution;
    this.principal = principal;
  }

  /** The payload read as JSON. */
  json() {
    return JSON.parse(this.payload);
  }
}

module.exports = { HookResult, Message };
