// What an instance of jco takes that does nothing: jco-idle.mjs PEERS ECHO [WORD …]. In a process of its own, as instances that
// are kept make calls of all others twice as slow, and what calls leave behind hides what instances take.

import { choose, idle } from '../measure.mjs';
import { echoes } from './transpiled.mjs';

const [peers, echo, ...words] = process.argv.slice(2);
choose(words);
await idle('idle instance: jco, Node', 200, await echoes(peers, echo));
