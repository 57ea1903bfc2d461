'use strict';
// A loaded capsule.

const { closed } = require('./error.cjs');
const { asyncDispose } = require('./dispose.cjs');
const { optionalNumber, optionalText, payload, text } = require('./payload.cjs');
const { HookResult } = require('./result.cjs');

const nothing = () => undefined;
const hook = (mail) => new HookResult(mail.text, mail.data);

/** The arguments of a trigger as the native module takes them. */
const triggerArguments = (action, value, { principal, timeoutMs }) => [
  text('action', action),
  payload(value),
  optionalText('principal', principal),
  optionalNumber('timeoutMs', timeoutMs),
];

/** A handle to a capsule; made by `host.load`. */
class Capsule {
  #line;
  #native;

  constructor(line, native) {
    this.#line = line;
    this.#native = native;
  }

  get id() {
    return this.#native.id;
  }

  get version() {
    return this.#native.version;
  }

  get hash() {
    return this.#native.hash;
  }

  get warnings() {
    return this.#native.warnings;
  }

  get state() {
    return this.#native.state;
  }

  async trigger(action, value, options = {}) {
    const given = triggerArguments(action, value, options);
    const begin = (number) => this.#native.trigger(number, ...given);
    return this.#line.call(begin, { signal: options.signal, read: hook });
  }

  triggerSync(action, value, options = {}) {
    if (this.#line.closed) throw closed('host');
    const given = triggerArguments(action, value, options);
    const { id } = this;
    const principal = options.principal ?? undefined;
    const isOwn = (question) => question.capsule === id && (principal ?? question.principal) === question.principal;
    const ask = (number, question) => this.#line.handlers.askNow(number, question, isOwn);
    const mail = this.#native.triggerSync(...given, ask);
    if (mail.what === 'error') throw this.#line.error(mail);
    return hook(mail);
  }

  async waitReady({ timeoutMs, signal } = {}) {
    const timeout = optionalNumber('timeoutMs', timeoutMs);
    return this.#line.call((number) => this.#native.waitReady(number, timeout), { signal, read: nothing });
  }

  async unload() {
    if (this.#line.closed) return undefined;
    return this.#line.call((number) => this.#native.unload(number), { read: nothing });
  }

  async [asyncDispose]() {
    await this.unload();
  }
}

module.exports = { Capsule };
