// Plays the scenarios of tests/scenarios through the Node.js binding.
//
//   target/debug/peers node tests/runners/node/run.mjs [--only TEXT]      TEXT: part of "<area>/<name>", as is the variable SCENARIO

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { repository } from './capsules.mjs';
import { play } from './play.mjs';

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const only = values.only ?? process.env.SCENARIO;

const folder = process.env.SCENARIOS ?? join(repository, 'tests/scenarios');
const files = await readdir(folder, { recursive: true });
const names = files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length)).sort();

const proved = new Set();
let passed = 0;
let failed = 0;
for (const name of names.filter((name) => only === undefined || name.includes(only))) {
  const scenario = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'));
  const outcome = await play(scenario);
  if (outcome.wrong === null) {
    passed += 1;
    for (const pair of outcome.proved) proved.add(pair);
  } else {
    failed += 1;
    console.log(`FAILED ${name}: ${scenario.why}\n  ${outcome.wrong}`);
  }
}

let uncovered = [];
if (only === undefined) {
  const required = JSON.parse(await readFile(join(repository, 'target/conformance/required.json'), 'utf8'));
  uncovered = required.filter((pair) => !proved.has(pair));
  for (const pair of uncovered) console.log(`uncovered: ${pair}`);
}
console.log(`${passed} passed, ${failed} failed`);
// A handler of a scenario that never answers, or answers late, must not hold the end up.
process.exit(failed === 0 && uncovered.length === 0 ? 0 : 1);
