'use strict';
// What a handler gave back or threw, whatever it is.

const isThenable = (value) =>
  value !== null && (typeof value === 'object' || typeof value === 'function') && typeof value.then === 'function';

/** What an exception says. */
function messageOf(exception) {
  try {
    return exception instanceof Error ? `${exception.name}: ${exception.message}` : String(exception);
  } catch {
    return 'an exception that cannot be written as text';
  }
}

module.exports = { isThenable, messageOf };
