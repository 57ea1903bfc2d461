'use strict';
// Loads the native module of this platform and says exactly what went wrong when it does not load.

const { dirname, join } = require('node:path');

const file = join(dirname(__dirname), require('./triple.cjs').file);
try {
  module.exports = require(file);
} catch (cause) {
  throw new Error(`astrid-host cannot load its native module ${file}: ${cause.message}`, { cause });
}
