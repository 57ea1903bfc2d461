#!/usr/bin/env node
// What a component or a package is to this host, and what this machine offers.

import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { arch, availableParallelism, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { AstridError, Host, inspectComponent, version } from '../index.mjs';

const usage = `usage: astrid-host inspect PATH [--json]     what a component or a package is to this host
       astrid-host doctor [--json]           what this machine offers`;

async function withHost(use) {
  const home = await mkdtemp(join(tmpdir(), 'astrid-host-'));
  try {
    const host = await Host.open(join(home, 'home'));
    try {
      return await use(host);
    } finally {
      await host.close();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function component(report) {
  const lines = [`hash     ${report.hash}`, `size     ${report.bytes} bytes`];
  for (const { name, offered, functions } of report.imports) {
    lines.push(`imports  ${name}${offered ? '' : '  (not offered)'}`);
    for (const one of functions) lines.push(`           ${one.name}${one.capability ? `  needs ${one.capability}` : ''}`);
  }
  for (const name of report.exports) lines.push(`exports  ${name}`);
  for (const name of report.capabilities) lines.push(`needs    ${name}`);
  for (const problem of report.problems) lines.push(`problem  ${problem}`);
  return [...lines, `runs here: ${report.runnable ? 'yes' : 'no'}`];
}

const capsule = ({ id, version: release, hash, changes, warnings }) => [
  `capsule  ${id} ${release}`,
  `hash     ${hash}`,
  ...changes.added.map((capability) => `asks for ${capability}`),
  ...warnings.map((warning) => `warning  ${warning}`),
];

function machine({ processes, sandbox, missing, limits }, intact) {
  const maps = '/proc/sys/vm/max_map_count';
  return [
    `astrid-host  ${version}, Node.js ${process.versions.node}`,
    `machine      ${platform()} ${arch()}, ${availableParallelism()} processors`,
    ...(existsSync(maps) ? [`memory maps  ${readFileSync(maps, 'utf8').trim()} for each process, about six a run loop`] : []),
    `home         opens, locks and writes; its audit is ${intact ? 'intact' : 'NOT intact'}`,
    `programs     ${processes ? `by ${sandbox}` : 'cannot be started'}`,
    ...missing.map((what) => `  missing    ${what}`),
    ...Object.entries(limits).map(([limit, by]) => `  ${limit.padEnd(10)} ${by}`),
  ];
}

function say(found, json, lines) {
  console.log(json ? JSON.stringify(found, null, 2) : lines.join('\n'));
}

async function inspect(path, json) {
  if (!path.endsWith('.wasm')) {
    const found = await withHost((host) => host.inspect(path));
    say(found, json, capsule(found));
    return 0;
  }
  const report = inspectComponent(await readFile(path));
  say(report, json, component(report));
  return report.runnable ? 0 : 1;
}

async function doctor(json) {
  const [diagnosis, { intact }] = await withHost(async (host) => [await host.diagnose(), await host.audit.verify()]);
  say(diagnosis, json, machine(diagnosis, intact));
  return intact ? 0 : 1;
}

async function main() {
  let given;
  try {
    given = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    return 2;
  }
  const { values: { json = false, help }, positionals: [command, ...rest] } = given;
  if (command === 'inspect' && rest.length === 1) return inspect(rest[0], json);
  if (command === 'doctor' && rest.length === 0) return doctor(json);
  console[help ? 'log' : 'error'](usage);
  return help ? 0 : 2;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof AstridError) && error.code === undefined) throw error;
  console.error(error instanceof AstridError ? `${error.code}: ${error.message}` : error.message);
  process.exitCode = 1;
}
