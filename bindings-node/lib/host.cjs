'use strict';
// The host.

const { AuditLog } = require('./audit.cjs');
const { Capsule } = require('./capsule.cjs');
const { CapsuleChanges } = require('./changes.cjs');
const { asyncDispose } = require('./dispose.cjs');
const { NAMES } = require('./handlers.cjs');
const { Line } = require('./line.cjs');
const { Messages } = require('./messages.cjs');
const { flag, invalid, json, optionalKey, optionalNumber, optionalText, path, payload, text } = require('./payload.cjs');

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
    const { signal, secretKey, ...rest } = options;
    if (signal !== undefined) throw invalid('open cannot be aborted');
    const handlers = {};
    for (const name of NAMES) {
      handlers[name] = rest[name];
      delete rest[name];
    }
    // It is not written into the options' text, so that no message about that text can hold it.
    const key = optionalKey('secretKey', secretKey);
    const folder = path('home', home);
    if (rest.workspace !== undefined) rest.workspace = path('workspace', rest.workspace);
    const line = new Line(handlers);
    const given = json('options', { ...rest, handlers: line.handlers.present });
    try {
      await line.call((number) => line.native.open(number, folder, given, key), { read: nothing });
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

  async inspect(from, { signal } = {}) {
    const folder = path('path', from);
    return this.#call((native, number) => native.inspect(number, folder), { signal });
  }

  async discover(folders, { signal } = {}) {
    if (!Array.isArray(folders)) throw invalid('folders must be an array');
    const given = folders.map((folder) => path('folder', folder));
    return this.#call((native, number) => native.discover(number, given), { signal });
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

  async reload(capsule, { signal } = {}) {
    const id = text('capsule', capsule);
    return this.#load((native, number) => native.reload(number, id), signal);
  }

  async uninstall(capsule) {
    const id = text('capsule', capsule);
    return this.#call((native, number) => native.uninstall(number, id), { read: nothing });
  }

  async watch(from, { reload = false, signal } = {}) {
    const [folder, asked] = [path('folder', from), flag('reload', reload)];
    const read = ({ changes }) => new CapsuleChanges(this.#line, changes);
    return this.#call((native, number) => native.watch(number, folder, asked), { signal, read });
  }

  capsule(id) {
    return new Capsule(this.#line, this.#line.make((native) => native.capsule(text('id', id))));
  }

  get capsules() {
    return this.#line.closed ? [] : this.#line.native.capsules().map((one) => new Capsule(this.#line, one));
  }

  async configure(capsule, key, value, { principal } = {}) {
    const given = [text('capsule', capsule), optionalText('principal', principal), text('key', key), text('value', value)];
    return this.#call((native, number) => native.configure(number, ...given), { read: nothing });
  }

  async publish(topic, value, { principal, fanOut, signal } = {}) {
    const given = [text('topic', topic), payload(value), optionalText('principal', principal), optionalNumber('fanOut', fanOut)];
    return this.#call((native, number) => native.publish(number, ...given), { signal });
  }

  subscribe(pattern) {
    return new Messages(this.#line, this.#line.make((native) => native.subscribe(text('pattern', pattern))));
  }

  async profile(principal) {
    const name = text('principal', principal);
    return this.#call((native, number) => native.profile(number, name));
  }

  async setProfile(principal, profile) {
    const [name, given] = [text('principal', principal), json('the profile', profile)];
    return this.#call((native, number) => native.setProfile(number, name, given), { read: nothing });
  }

  async principals() {
    return this.#call((native, number) => native.principals(number));
  }

  async removePrincipal(principal) {
    const name = text('principal', principal);
    return this.#call((native, number) => native.removePrincipal(number, name), { read: nothing });
  }

  async allowances(principal) {
    const name = text('principal', principal);
    return this.#call((native, number) => native.allowances(number, name));
  }

  async revokeAllowance(principal, id) {
    const given = [text('principal', principal), text('id', id)];
    return this.#call((native, number) => native.revokeAllowance(number, ...given));
  }

  async users() {
    return this.#call((native, number) => native.users(number));
  }

  async createUser({ displayName, principal } = {}) {
    const name = optionalText('displayName', displayName);
    const who = optionalText('principal', principal);
    return this.#call((native, number) => native.createUser(number, name, who));
  }

  async removeUser(user) {
    const id = text('user', user);
    return this.#call((native, number) => native.removeUser(number, id));
  }

  async links(user) {
    const id = text('user', user);
    return this.#call((native, number) => native.links(number, id));
  }

  async linkAccount(user, { platform, account, method }) {
    const words = [text('user', user), text('platform', platform), text('account', account), text('method', method)];
    return this.#call((native, number) => native.linkAccount(number, ...words), { read: nothing });
  }

  async unlinkAccount({ platform, account }) {
    const words = [text('platform', platform), text('account', account)];
    return this.#call((native, number) => native.unlinkAccount(number, ...words), { read: nothing });
  }

  async usage(principal) {
    const name = text('principal', principal);
    return this.#call((native, number) => native.usage(number, name));
  }

  async diagnose() {
    return this.#call((native, number) => native.diagnose(number));
  }

  async metrics() {
    return this.#call((native, number) => native.metrics(number));
  }

  async backup(to) {
    const folder = path('folder', to);
    return this.#call((native, number) => native.backup(number, folder), { read: nothing });
  }

  async rotateKeys({ secretKey } = {}) {
    const key = optionalKey('secretKey', secretKey);
    return this.#call((native, number) => native.rotateKeys(number, key), { read: nothing });
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
