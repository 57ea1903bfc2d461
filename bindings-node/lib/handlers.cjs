'use strict';
// The embedding program's handlers: what they are asked, what they may answer, and what becomes of their exceptions.

const { Listener } = require('./listener.cjs');
const { invalid } = require('./payload.cjs');
const { isThenable, messageOf } = require('./thrown.cjs');
const { checkpoint } = require('./time.cjs');

const isText = (value) => typeof value === 'string';
const oneOf = (...words) => ({ accepts: (value) => words.includes(value), wanted: `one of ${words.map((word) => `'${word}'`).join(', ')}` });

const ANSWERS = {
  onElicit: {
    accepts: (value) => value === null || isText(value) || (Array.isArray(value) && value.every(isText)),
    wanted: 'a string, an array of strings, or null to cancel',
  },
  onApproval: oneOf('deny', 'approve', 'approve_session', 'approve_always'),
  onUplink: oneOf('delivered', 'dropped', 'no_session'),
};

/** What is told without an answer: where it waits, and how the handler gets to see it. */
const NEWS = {
  onLog: { take: (native) => native.logLines(), read: (line) => ({ ...line, time: new Date(line.time) }) },
  onCheckpoint: { take: (native) => native.checkpoints(), read: checkpoint },
};

/** The names of all handlers. */
const NAMES = [...Object.keys(ANSWERS), ...Object.keys(NEWS)];

/** What kind of value a handler gave, in words. */
function described(value) {
  if (value === null) return 'null';
  if (isText(value)) return 'another string';
  if (Array.isArray(value)) return 'another array';
  return typeof value === 'object' ? 'an object' : typeof value;
}

/** The handlers of one host. */
class Handlers {
  #native;
  #given = {};
  #listeners;
  #open = new Map();
  /** What handlers threw, by the number of their question, until the host has no more use for it. */
  exceptions = new Map();

  constructor(native, options) {
    this.#native = native;
    for (const name of NAMES) {
      const handler = options[name];
      if (handler === undefined || handler === null) continue;
      if (typeof handler !== 'function') throw invalid(`${name} must be a function`);
      this.#given[name] = handler;
    }
    const listening = Object.entries(NEWS).filter(([name]) => name in this.#given);
    this.#listeners = listening.map(([name, { take, read }]) => new Listener(name, this.#given[name], () => take(native), read));
  }

  /** Which handlers there are, by their names. */
  get present() {
    return Object.fromEntries(NAMES.map((name) => [name, name in this.#given]));
  }

  /** Tells those that are only told things what there is. */
  hear() {
    for (const listener of this.#listeners) listener.hear();
  }

  /** Tells them all that is left, before the host is gone. */
  hearOut() {
    for (const listener of this.#listeners) listener.hearOut();
  }

  /** Puts a question to its handler, which may answer now or later. Never throws. */
  async ask(id, text) {
    const { handler, question } = JSON.parse(text);
    try {
      this.#answer(id, handler, await this.#call(id, handler, question));
    } catch (exception) {
      this.#raise(id, exception);
    } finally {
      this.#open.delete(id);
    }
  }

  /**
   * Puts a question to its handler while this thread waits in `triggerSync` for what `isOwn` recognises. The waiting
   * call's own question must be answered now; a question of another call may be answered by a Promise, later.
   */
  askNow(id, text, isOwn) {
    const { handler, question } = JSON.parse(text);
    try {
      const value = this.#call(id, handler, question);
      if (!isThenable(value)) {
        this.#answer(id, handler, value);
        this.#open.delete(id);
      } else if (isOwn(question)) {
        Promise.resolve(value).catch(() => {});
        this.#open.delete(id);
        this.#native.wouldBlock(id, `${handler} answered a Promise to triggerSync, whose thread would have to resolve it`);
      } else {
        this.#later(id, handler, value);
      }
    } catch (exception) {
      this.#open.delete(id);
      this.#raise(id, exception);
    }
  }

  /** Nobody waits for the answer to this question any more. */
  withdraw(id) {
    this.#open.get(id)?.abort();
    this.#open.delete(id);
  }

  async #later(id, handler, value) {
    try {
      this.#answer(id, handler, await value);
    } catch (exception) {
      this.#raise(id, exception);
    } finally {
      this.#open.delete(id);
    }
  }

  #call(id, handler, question) {
    if (question.deadline !== undefined) question.deadline = new Date(question.deadline);
    const withdrawn = new AbortController();
    this.#open.set(id, withdrawn);
    return this.#given[handler](question, { signal: withdrawn.signal });
  }

  #answer(id, handler, value) {
    const { accepts, wanted } = ANSWERS[handler];
    if (accepts(value)) {
      this.#native.answer(id, JSON.stringify(value));
    } else {
      this.#native.refuse(id, `${handler} must answer ${wanted}, not ${described(value)}`);
    }
  }

  #raise(id, exception) {
    this.exceptions.set(id, exception);
    if (!this.#native.raise(id, messageOf(exception))) this.exceptions.delete(id);
  }
}

module.exports = { Handlers, NAMES };
