'use strict';
// The one error class, built from what the host says.

const native = require('./native.cjs');

/** An error of the host. `code` and `kind` are its stable snake_case kind; `cause` is a handler's own exception. */
class AstridError extends Error {
  constructor({ code, message, context = {}, guestBacktrace = null, ...rest }) {
    super(message, 'cause' in rest ? { cause: rest.cause } : undefined);
    this.code = code;
    this.context = context;
    this.guestBacktrace = guestBacktrace;
  }

  get kind() {
    return this.code;
  }
}
Object.defineProperty(AstridError.prototype, 'name', { value: 'AstridError', configurable: true, writable: true });

/** An error from the host's JSON; `exceptions` are what handlers threw, by the number of their question. */
function fromNative(text, exceptions) {
  const { exception, ...failure } = JSON.parse(text);
  if (exception !== undefined && exceptions.has(exception)) {
    failure.cause = exceptions.get(exception);
  } else if (typeof failure.cause === 'string') {
    failure.cause = new Error(failure.cause);
  }
  return new AstridError(failure);
}

const failures = native.failures().map((text) => fromNative(text, new Map()));

/** Every kind of error, in the order of their numbers, with one sentence on what each means. */
const errorKinds = Object.freeze(Object.fromEntries(failures.map(({ code, message }) => [code, message])));

const closed = (what) => new AstridError({ code: 'closed', message: `the ${what} is closed` });

module.exports = { AstridError, closed, errorKinds, fromNative };
