'use strict';
// What a caller may give in place of bytes.

const { fileURLToPath } = require('node:url');

const { AstridError } = require('./error.cjs');

const invalid = (message) => new AstridError({ code: 'invalid_argument', message });

/** Text and bytes stay what they are; any other value becomes JSON text; nothing becomes no bytes. */
function payload(value) {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  if (value === undefined) return '';
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return json('the payload', value);
}

/** The value as JSON text. */
function json(name, value) {
  let text;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new AstridError({ code: 'invalid_argument', message: `${name} cannot be written as JSON`, cause });
  }
  if (text === undefined) throw invalid(`${name} cannot be written as JSON`);
  return text;
}

/** A path given as text or as a `file:` URL. */
function path(name, value) {
  if (value instanceof URL) return fileURLToPath(value);
  return text(name, value);
}

/** A text. */
function text(name, value) {
  if (typeof value !== 'string') throw invalid(`${name} must be a string`);
  return value;
}

/** True or false. */
function flag(name, value) {
  if (typeof value !== 'boolean') throw invalid(`${name} must be true or false`);
  return value;
}

/** A text that may be left out. */
function optionalText(name, value) {
  return value === undefined || value === null ? undefined : text(name, value);
}

/** A number that may be left out. */
function optionalNumber(name, value) {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number') throw invalid(`${name} must be a number`);
  return value;
}

/** A key of 32 bytes that may be left out. */
function optionalKey(name, value) {
  if (value === undefined || value === null) return undefined;
  if (!(value instanceof Uint8Array) || value.length !== 32) throw invalid(`${name} must be a Uint8Array of 32 bytes`);
  return value;
}

module.exports = { flag, invalid, json, optionalKey, optionalNumber, optionalText, path, payload, text };
