'use strict';
// What a component is to this host.

const { AstridError, fromNative } = require('./error.cjs');
const native = require('./native.cjs');

/** Says what a component imports and exports, what it needs, and whether it runs here. */
function inspectComponent(bytes) {
  if (!(bytes instanceof Uint8Array)) {
    throw new AstridError({ code: 'invalid_argument', message: 'the component must be a Uint8Array' });
  }
  const [report, failure] = native.inspectComponent(bytes);
  if (failure !== undefined) throw fromNative(failure, new Map());
  return JSON.parse(report);
}

module.exports = { inspectComponent };
