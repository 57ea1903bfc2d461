// An HTTP server in which every capsule of a folder is a route: POST /CAPSULE/ACTION calls its hook with the body.
//
//   node examples/node/server.mjs [PORT]
//
// Who asks is in the header `x-principal`; a real server would have it from a session. A client that goes away stops its guest.
// With a port it serves; without one it asks itself a few things.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { AstridError, Host } from '../../bindings-node/index.mjs';

const folder = fileURLToPath(new URL('../capsules', import.meta.url));
/** What went wrong, for people who speak HTTP; everything else is our own fault. */
const statuses = {
  invalid_argument: 400, principal_refused: 403, capability_denied: 403, payload_too_large: 413, quota_exceeded: 429,
  fuel_exhausted: 429, closed: 503, timeout: 504,
};

/** Installs and loads what lies in the folder, each capsule by its id. */
async function load(host) {
  const { found } = await host.discover([folder]);
  for (const { path } of found) await host.install(path);
  const capsules = [];
  for (const { path } of found) capsules.push(await host.load(path));
  return new Map(capsules.map((capsule) => [capsule.id, capsule]));
}

async function answer(capsules, request, response) {
  const [, id, action = ''] = new URL(request.url, 'http://localhost').pathname.split('/');
  const capsule = capsules.get(id);
  if (!capsule || request.method !== 'POST') return [capsule ? 405 : 404, { error: 'there is no such capsule' }];
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    const principal = request.headers['x-principal'];
    const result = await capsule.trigger(action, await buffer(request), { principal, signal: gone.signal });
    return [result.action === 'deny' ? 422 : 200, { action: result.action, data: result.data }];
  } catch (error) {
    if (!(error instanceof AstridError)) throw error;
    return [statuses[error.code] ?? 500, { error: error.code }];
  }
}

async function play(port) {
  for (const [path, principal, body] of [
    ['/concierge/greet', 'ann', ''],
    ['/concierge/buy', 'ann', '{"item":"tea","price":3}'],
    ['/concierge/dance', 'ann', ''],
    ['/concierge/greet', 'no such name!', ''],
    ['/nobody/greet', 'ann', ''],
  ]) {
    const headers = { 'x-principal': principal };
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body });
    console.log(`${path} ${reply.status} ${await reply.text()}`);
  }
}

const home = await mkdtemp(join(tmpdir(), 'astrid-server-'));
const host = await Host.open(home, { onApproval: ({ resource }) => (resource.startsWith('tea') ? 'approve' : 'deny') });
try {
  const capsules = await load(host);
  const server = createServer((request, response) => {
    answer(capsules, request, response).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }, (error) => response.destroy(error));
  });
  const port = Number(process.argv[2] ?? 0);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  if (port) await once(process, 'SIGINT');
  else await play(server.address().port);
  server.closeAllConnections();
  server.close();
} finally {
  await host.close();
  await rm(home, { recursive: true });
}
