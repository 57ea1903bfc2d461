// Every kind of error is there, under the same code as everywhere.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import { AstridError, errorKinds } from '../index.mjs';

const require = createRequire(import.meta.url);
const native = require('../lib/native.cjs');
const { fromNative } = require('../lib/error.cjs');
const types = await readFile(new URL('../index.d.ts', import.meta.url), 'utf8');
const [union] = types.match(/type ErrorKind =[^;]*/);

const failures = native.failures();

test('the table of kinds is the host\'s own', () => {
  assert.deepEqual(Object.keys(errorKinds), failures.map((text) => JSON.parse(text).code));
  assert.ok(Object.isFrozen(errorKinds));
});

for (const text of failures) {
  const { code, message } = JSON.parse(text);
  test(`${code} is an AstridError, and in the types`, () => {
    const error = fromNative(text, new Map());
    assert.ok(error instanceof AstridError && error instanceof Error);
    assert.deepEqual([error.code, error.kind, error.name], [code, code, 'AstridError']);
    assert.equal(error.message, message);
    assert.equal(errorKinds[code], message);
    assert.ok(union.includes(`'${code}'`));
  });
}

test('the types name no kind that is not there', () => {
  assert.equal(union.match(/'\w+'/g).length, failures.length);
});
