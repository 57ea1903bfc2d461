'use strict';
// The host.

const { AuditLog } = require('./audit.cjs');
const { Capsule } = require('./capsule.cjs');
const { asyncDispose } = require('./dispose.cjs');
const { closed } = require('./error.cjs');
const { Line } = require('./line.cjs');
const { Messages } = require('./messages.cjs');
const { invalid, json, optionalText, path, payload, text } = require('./payload.cjs');

const nothing = () => undefined;
const loadingOptions = ({ signal, ...options }) => json('options', options);
const SECRET = Symbol('made by Host.open');

/** An open home with the capsules that run in it. */
class Host {
  #line;
  #audit;

  constructor(secret, line) {
    if (secret !== SECRET) throw new TypeError('a host is opened with Host.open');
    this.#line = line;
    this.#audit = new AuditLog(line);
  }

  static async open(home, options = {}) {
    const { onElicit, onApproval, onUplink, signal, ...rest } = options;
    if (signal !== undefined) throw invalid('open cannot be aborted');
    const folder = path('home', home);
    if (rest.workspace !== undefined) rest.workspace = path('workspace', rest.workspace);
    const line = new Line({ onElicit, onApproval, onUplink });
    const given = json('options', { ...rest, handlers: line.handlers.present });
    try {
      await line.call((number) => line.native.open(number, folder, given), { read: nothing });
    } catch (error) {
      line.hangUp();
      throw error;
    }
    return new Host(SECRET, line);
  }

  get audit() {
    return this.#audit;
  }

  get closed() {
    return this.#line.closed;
  }

  async install(from, options = {}) {
    const [folder, given] = [path('path', from), loadingOptions(options)];
    return this.#call((native, number) => native.install(number, folder, given), { signal: options.signal });
  }

  async load(from, options = {}) {
    const [folder, given] = [path('path', from), loadingOptions(options)];
    return this.#load((native, number) => native.load(number, folder, given), options.signal);
  }

  async loadComponent(bytes, manifest, hash, options = {}) {
    if (!(bytes instanceof Uint8Array)) throw invalid('a component must be a Uint8Array');
    const given = [bytes, text('manifest', manifest), text('hash', hash), loadingOptions(options)];
    return this.#load((native, number) => native.loadComponent(number, ...given), options.signal);
  }

  async loadAll(from, { signal } = {}) {
    const folder = path('folder', from);
    const read = (mail) => mail.capsules.map((one) => new Capsule(this.#line, one));
    return this.#call((native, number) => native.loadAll(number, folder), { signal, read });
  }

  get capsules() {
    return this.#line.closed ? [] : this.#line.native.capsules().map((one) => new Capsule(this.#line, one));
  }

  async configure(capsule, key, value, { principal } = {}) {
    const given = [text('capsule', capsule), optionalText('principal', principal), text('key', key), text('value', value)];
    return this.#call((native, number) => native.configure(number, ...given), { read: nothing });
  }

  async publish(topic, value, { principal, signal } = {}) {
    const given = [text('topic', topic), payload(value), optionalText('principal', principal)];
    return this.#call((native, number) => native.publish(number, ...given), { signal });
  }

  subscribe(pattern) {
    if (this.#line.closed) throw closed('host');
    const messages = this.#line.native.subscribe(text('pattern', pattern));
    if (typeof messages === 'string') throw this.#line.error({ text: messages });
    return new Messages(this.#line, messages);
  }

  async usage(principal) {
    const name = text('principal', principal);
    return this.#call((native, number) => native.usage(number, name));
  }

  async close() {
    await this.#line.close();
  }

  async [asyncDispose]() {
    await this.close();
  }

  #call(begin, options) {
    return this.#line.call((number) => begin(this.#line.native, number), options);
  }

  #load(begin, signal) {
    return this.#call(begin, { signal, read: (mail) => new Capsule(this.#line, mail.capsules[0]) });
  }
}

module.exports = { Host };
