// How what runs on Node is measured, ours and the peers' alike. A figure is a line of JSON.

import { readFileSync } from 'node:fs';

const [rounds, seconds] = [7, 0.3];
/** What is called, and with how much. */
export const sizes = [[64, '64 B'], [65536, '64 KiB in and out']];

const words = [];
/** Says which arguments are words; without words all figures are wanted. */
export const choose = (given) => words.push(...given);
const wanted = (name) => words.length === 0 || words.some((word) => name.includes(word));

/** Prints a figure of rounds already taken. */
export function tell(name, unit, includes, measured) {
  const ascending = measured.toSorted((one, other) => one - other);
  console.log(JSON.stringify({ name, unit, median: ascending[ascending.length >> 1], rounds: ascending, includes }));
}

const cpu = () => { const { user, system } = process.cpuUsage(); return user + system; };

/** The processor time of an operation that does `of` things, over all threads. */
export async function repeated(name, includes, operation, of = 1) {
  if (!wanted(name)) return;
  const began = performance.now();
  let times = 0;
  for (; performance.now() - began < seconds * 250 || times < 3; times += 1) await operation();
  times = Math.max(3, Math.floor((times * seconds * 1000) / (performance.now() - began)));
  const measured = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = cpu();
    for (let n = 0; n < times; n += 1) await operation();
    measured.push((cpu() - before) / times / of);
  }
  tell(name, 'us', includes, measured);
}

/** The same of an operation that never waits; a loop without `await` is part of what it costs. */
export function repeatedSync(name, includes, operation, of = 1) {
  if (!wanted(name)) return;
  const began = performance.now();
  let times = 0;
  for (; performance.now() - began < seconds * 250 || times < 3; times += 1) operation();
  times = Math.max(3, Math.floor((times * seconds * 1000) / (performance.now() - began)));
  const measured = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = cpu();
    for (let n = 0; n < times; n += 1) operation();
    measured.push((cpu() - before) / times / of);
  }
  tell(name, 'us', includes, measured);
}

/** Memory that belongs to this process alone. */
export function privateKib() {
  globalThis.gc?.();
  const lines = readFileSync('/proc/self/smaps_rollup', 'utf8').split('\n').filter((line) => line.startsWith('Private_'));
  return lines.reduce((sum, line) => sum + Number(/\d+/.exec(line)), 0);
}

/** What an instance takes that was called once and is kept. Gives the instances, to be closed. */
export async function idle(name, count, make) {
  if (!wanted(name)) return [];
  const kept = [await make()];
  const before = privateKib();
  for (let n = 0; n < count; n += 1) kept.push(await make());
  tell(name, 'KiB', `each of ${count}, called once with 64 B`, [(privateKib() - before) / count]);
  return kept;
}
