// What a call costs with jco on Node: jco.mjs PEERS ECHO ASK [WORD …]. PEERS: the folder with node_modules, where the transpiled
// components go. Prints a line of JSON for each figure.

import { choose, repeatedSync, sizes } from '../measure.mjs';
import { echoes, transpiled } from './transpiled.mjs';

const [peers, echo, ask, ...words] = process.argv.slice(2);
choose(words);
const peer = 'jco, Node';
const questions = 1000;
const make = await echoes(peers, echo);
const made = make();
for (const [size, said] of sizes) {
  const payload = Buffer.alloc(size, 'a');
  const includes = 'our echo, the same bytes; no audit, no limits';
  repeatedSync(`call, ${said}: ${peer}`, includes, () => made.astridHookTrigger('echo', payload));
}
repeatedSync(`new instance: ${peer}`, 'from compiled modules, its first call; left to the collector', make);
const asks = (await transpiled(peers, 'ask', ask, { answer: { default: (asked) => asked } }))();
const name = `guest to host and back, 64 B: ${peer}`;
repeatedSync(name, 'list<u8> in and out of a function', () => asks.ask(questions), questions);
