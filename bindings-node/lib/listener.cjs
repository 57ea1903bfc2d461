'use strict';
// A handler that is told things and asked nothing.

const { messageOf, isThenable } = require('./thrown.cjs');

/** Told one thing after the other: a Promise it gives is waited for before it hears the next. */
class Listener {
  #name;
  #handler;
  #take;
  #read;
  #taken = [];
  #busy = false;

  /** `take()` gives the texts that wait for it, of which `read` makes what it is told. */
  constructor(name, handler, take, read) {
    this.#name = name;
    this.#handler = handler;
    this.#take = take;
    this.#read = read;
  }

  /** Tells it what there is, unless it is not done with what it heard before. Never throws. */
  hear() {
    if (this.#busy) return;
    for (let text = this.#next(); text !== undefined; text = this.#next()) {
      const done = this.#tell(text);
      if (done === null) continue;
      this.#busy = true;
      done.then(() => {
        this.#busy = false;
        this.hear();
      });
      return;
    }
  }

  /** Tells it all that is left and waits for nothing: there will be no other time. Never throws. */
  hearOut() {
    for (let text = this.#next(); text !== undefined; text = this.#next()) this.#tell(text);
  }

  #next() {
    if (this.#taken.length === 0) this.#taken = this.#take();
    return this.#taken.shift();
  }

  /** Null if it is done, otherwise a Promise that is never rejected. */
  #tell(text) {
    try {
      const value = this.#handler.call(undefined, this.#read(JSON.parse(text)));
      return isThenable(value) ? Promise.resolve(value).catch((exception) => this.#warn(exception)) : null;
    } catch (exception) {
      this.#warn(exception);
      return null;
    }
  }

  /** Nobody waits for it who could get its exception, so the process is warned and goes on. */
  #warn(exception) {
    const warning = new Error(`${this.#name} failed: ${messageOf(exception)}`, { cause: exception });
    warning.name = 'AstridHandlerWarning';
    process.emitWarning(warning);
  }
}

module.exports = { Listener };
