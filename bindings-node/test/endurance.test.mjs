// What is done very often leaves no memory behind: from a tenth of the run to its end at most five in a hundred more.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { capsuleFolder, repository } from './support.mjs';

// V8 lets its young generation grow for a long time, whatever is in it; held small, what is left is ours.
const flags = ['--expose-gc', '--max-semi-space-size=1'];
const program = join(repository, 'bindings-node/test/endurance.mjs');

for (const [what, title] of [
  ['triggers', 'a hundred thousand triggers'],
  ['subscriptions', 'twenty thousand subscriptions'],
  ['hosts', 'ten thousand hosts and their handlers'],
]) {
  test(title, async (t) => {
    // A home that lies in memory opens thirty times as fast as one on a disk.
    const home = await mkdtemp('/dev/shm/astrid-node-');
    t.after(() => rm(home, { recursive: true, force: true }));
    const given = [what, home, await capsuleFolder(t, 'echo')];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, program, ...given]);
    const { early, late } = JSON.parse(stdout);
    assert.ok(late <= early * 1.05, `${early} KiB after a tenth, ${late} KiB in the end`);
  });
}
