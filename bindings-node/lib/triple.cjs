'use strict';
// Names the native module's file by the platform: `astrid-host.linux-x64-gnu.node`, `astrid-host.darwin-arm64.node`, ...

/** The platform this process runs on. */
function triple() {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return `${base}-msvc`;
  if (process.platform !== 'linux') return base;
  const glibc = process.report.getReport().header.glibcVersionRuntime;
  return `${base}-${glibc ? 'gnu' : 'musl'}`;
}

module.exports = { file: `astrid-host.${triple()}.node` };
