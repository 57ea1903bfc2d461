'use strict';
// Finds the native module of this platform and says exactly what went wrong when it does not load.

const { join, dirname } = require('node:path');

/** The platform this process runs on, in the words that name the file: `linux-x64-gnu`, `darwin-arm64`, ... */
function triple() {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return `${base}-msvc`;
  if (process.platform !== 'linux') return base;
  const glibc = process.report.getReport().header.glibcVersionRuntime;
  return `${base}-${glibc ? 'gnu' : 'musl'}`;
}

const file = join(dirname(__dirname), `astrid-host.${triple()}.node`);
try {
  module.exports = require(file);
} catch (cause) {
  throw new Error(`astrid-host cannot load its native module ${file}: ${cause.message}`, { cause });
}
