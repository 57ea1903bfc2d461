'use strict';
// A loaded capsule.

const { CapsuleChanges } = require('./changes.cjs');
const { closed } = require('./error.cjs');
const { asyncDispose } = require('./dispose.cjs');
const { flag, optionalNumber, optionalText, payload, text } = require('./payload.cjs');
const { HookResult } = require('./result.cjs');

const nothing = () => undefined;
const hook = (mail) => new HookResult(mail.text, mail.data);

/** The arguments of a trigger as the native module takes them. */
const triggerArguments = (action, value, { principal, timeoutMs, traceparent }) => [
  text('action', action),
  payload(value),
  {
    principal: optionalText('principal', principal),
    timeoutMs: optionalNumber('timeoutMs', timeoutMs),
    traceparent: optionalText('traceparent', traceparent),
  },
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

  get generation() {
    return this.#native.generation;
  }

  get restarts() {
    return this.#native.restarts;
  }

  get failure() {
    return this.#native.failure ?? null;
  }

  get manifest() {
    return JSON.parse(this.#native.manifest);
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

  async staticFile(file) {
    const name = text('file', file);
    return this.#line.call((number) => this.#native.staticFile(number, name), { read: ({ bytes }) => bytes });
  }

  async commit(principal) {
    const name = text('principal', principal);
    return this.#line.call((number) => this.#native.commit(number, name));
  }

  async rollback(principal) {
    const name = text('principal', principal);
    return this.#line.call((number) => this.#native.rollback(number, name), { read: nothing });
  }

  async reload() {
    return this.#line.call((number) => this.#native.reload(number), { read: nothing });
  }

  async watch({ reload = false, signal } = {}) {
    const asked = flag('reload', reload);
    const read = ({ changes }) => new CapsuleChanges(this.#line, changes);
    return this.#line.call((number) => this.#native.watch(number, asked), { signal, read });
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
