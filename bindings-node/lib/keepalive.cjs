'use strict';
// The process stays up while a call is under way, and only then: nothing native holds the event loop.

const NEVER_MS = 2 ** 30;

let underWay = 0;
let timer = null;

/** One more call is under way. */
function begin() {
  if (underWay++ > 0) return;
  timer ??= setInterval(() => {}, NEVER_MS);
  timer.ref();
}

/** A call came to its end. */
function end() {
  if (--underWay === 0) timer.unref();
}

module.exports = { begin, end };
