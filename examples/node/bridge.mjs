// A chat bridge: people on a chat platform talk with a capsule, and the capsule writes to them.
//
//   node examples/node/bridge.mjs [PORT]
//
// The platform is lines of text over TCP: the first line says who it is, each further one is a question to the concierge, and
// `/tell WHO TEXT` has the concierge write to somebody. With a port it serves; without one it plays a conversation with itself.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { Host } from '../../bindings-node/index.mjs';

const concierge = new URL('../capsules/concierge', import.meta.url);
const desk = 'desk';
/** Who is connected, by name. */
const people = new Map();

/** What the capsule writes to somebody outside. */
function onUplink({ event, platformUserId, content }) {
  if (event !== 'message') return 'delivered';
  if (!people.has(platformUserId)) return 'no_session';
  write(platformUserId, content);
  return 'delivered';
}

function write(who, text) {
  people.get(who)?.write(`${text}\n`);
}

/** Brings what the capsule answers to who asked. */
async function passAnswersOn(host) {
  for await (const message of host.subscribe('concierge.v1.answer.*')) {
    write(message.topic.split('.').at(-1), message.json().answer);
  }
}

/** The principal behind an account, found or made. */
async function known(host, who) {
  for (const user of await host.users()) {
    const links = await host.links(user.id);
    if (links.some((link) => link.platformUserId === who)) return user.principal;
  }
  const user = await host.createUser({ displayName: who });
  await host.linkAccount(user.id, { platform: 'demo', account: who, method: 'bridge' });
  return user.principal;
}

/** Serves one person. A real platform would say for sure who it is. */
async function talk(host, capsule, socket) {
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const { value: who = '' } = await lines.next();
  if (!/^[A-Za-z0-9]+$/.test(who) || people.has(who)) return socket.end();
  people.set(who, socket);
  const principal = await known(host, who);
  for await (const line of lines) {
    const [, user, text] = /^\/tell (\S+) (.*)$/.exec(line) ?? [];
    if (user) {
      const told = await capsule.trigger('notify', { user, text }, { principal: desk });
      write(who, `[${told.data}]`);
    } else {
      await host.publish(`concierge.v1.ask.${who}`, JSON.stringify(line), { principal });
    }
  }
  people.delete(who);
  return socket.end();
}

/** Is somebody on the platform for a while. */
async function play(port) {
  const socket = connect(port, '127.0.0.1');
  const heard = createInterface({ input: socket })[Symbol.asyncIterator]();
  socket.write('ann\n');
  for (const [said, lines] of [['Is there tea?', 1], ['/tell ann Your tea is ready.', 2], ['/tell bob Come too.', 1]]) {
    console.log(`ann: ${said}`);
    socket.write(`${said}\n`);
    for (let n = 0; n < lines; n += 1) console.log(`  -> ${(await heard.next()).value}`);
  }
  socket.end();
}

const home = await mkdtemp(join(tmpdir(), 'astrid-bridge-'));
const host = await Host.open(home, { onElicit: () => null, onUplink });
const server = createServer();
try {
  await host.install(concierge, { principal: desk });
  // Its one run loop answers everybody, each for themselves.
  const capsule = await host.load(concierge, { principal: desk, shared: true });
  await capsule.waitReady({ timeoutMs: 10_000 });
  const answers = passAnswersOn(host);
  server.on('connection', (socket) => {
    talk(host, capsule, socket).catch((error) => socket.destroy(error));
  });
  const port = Number(process.argv[2] ?? 0);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  if (port) await once(process, 'SIGINT');
  else await play(server.address().port);
  server.close();
  await host.close();
  await answers;
} finally {
  await host.close();
  await rm(home, { recursive: true });
}
