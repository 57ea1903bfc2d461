// Does one thing very often and tells how much memory there was after a tenth of it and in the end: endurance.mjs WHAT HOME CAPSULE.

import { readFileSync, rmSync } from 'node:fs';

import { Host } from '../index.mjs';

const [what, home, capsule] = process.argv.slice(2);
const endless = { quotas: { maxCpuFuelPerSec: 'unlimited' }, audit: { entriesPerSec: 1e9, bytesPerSec: 1e12 } };

/** What the process holds in memory, in KiB. */
async function resident() {
  for (let round = 0; round < 3; round += 1) {
    await new Promise(setImmediate);
    globalThis.gc();
  }
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}

async function repeat(times, once) {
  for (let n = 0; n < times / 10; n += 1) await once(n);
  const early = await resident();
  for (let n = times / 10; n < times; n += 1) await once(n);
  console.log(JSON.stringify({ early, late: await resident() }));
}

const doing = {
  async triggers() {
    const host = await Host.open(home, endless);
    const echo = await host.load(capsule);
    const payload = Buffer.alloc(64, 'x');
    await repeat(100_000, (n) => (n % 2 ? echo.trigger('echo', payload) : echo.triggerSync('echo', payload)));
    await host.close();
  },
  async subscriptions() {
    const host = await Host.open(home);
    await repeat(20_000, async () => {
      const messages = host.subscribe('test.news');
      await host.publish('test.news', 1);
      await messages.next();
      messages.close();
    });
    await host.close();
  },
  async hosts() {
    const handler = () => null;
    const onAll = { onElicit: handler, onApproval: handler, onUplink: handler, onLog: handler, onCheckpoint: handler };
    await repeat(10_000, async (n) => {
      // What a host keeps of its home grows with the home's log, which is not what is asked here.
      if (n % 100 === 99) rmSync(home, { recursive: true });
      await (await Host.open(home, { ...onAll })).close();
    });
  },
};
await doing[what]();
