// Builds the workspace with cargo (a part of it would resolve other features, and compile every dependency again) and puts
// the native module where the package looks for it.
//
//   node build.mjs [--release]

import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import platform from './lib/triple.cjs';

const here = dirname(fileURLToPath(import.meta.url));
const profile = process.argv.includes('--release') ? ['--release'] : [];
const messages = execFileSync(
  'cargo',
  ['build', '--locked', '--workspace', '--lib', '--bins', '--examples', '--message-format', 'json-render-diagnostics', ...profile],
  { cwd: here, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 28 },
);
const artifacts = messages.split('\n').filter((line) => line.includes('"compiler-artifact"')).map((line) => JSON.parse(line));
const built = artifacts.findLast(({ target }) => target.kind.includes('cdylib') && target.name === 'astrid_host_node');
const [library] = built.filenames.filter((name) => /\.(so|dylib|dll)$/.test(name));

// A running process may have the old file mapped: it keeps it, for the new one takes its name, not its place.
const file = join(here, platform.file);
copyFileSync(library, `${file}.new`);
renameSync(`${file}.new`, file);
console.log(file);
