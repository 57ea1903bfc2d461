// The verbs of the scenarios, each a few words of the binding's own API.

import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { promisify } from 'node:util';

import { Host } from '../../../bindings-node/index.mjs';
import { COMPONENT, filled, pathOf, writeCapsule } from './capsules.mjs';
import { workspaceOptions } from './workspace.mjs';

const run = promisify(execFile);
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const renamed = (object, rename) => Object.fromEntries(Object.entries(object).map(([key, value]) => [rename(key), value]));

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The options of a scenario as the binding spells them; a profile is written as its file is. */
function hostOptions({ default_profile: defaultProfile, ...options } = {}) {
  const inner = Object.entries(options).map(([name, value]) => [name, isObject(value) ? renamed(value, camel) : value]);
  return { ...renamed(Object.fromEntries(inner), camel), defaultProfile };
}

const payload = ({ payload: value, text = '' }) => (value === undefined ? text : JSON.stringify(value));
const narrowed = ({ principal, attenuate, shared }) => ({ principal, attenuate, shared });
const hookResult = ({ action, data }) => ({ action, data, json: parsed(data) });
const loaded = ({ id, version, hash, state, warnings }) => ({ id, version, hash, state, warnings });

/** Everything one scenario has at hand. */
export class Stage {
  #scenario;
  #folder;
  #handlers;
  #hosts = new Map();
  /** The capsules as they were written last, by key. */
  #written;
  /** The folder of the home: `home`, or the backup it was last opened from. */
  #home = 'home';
  #capsules = new Map();
  #calls = new Map();
  #subscriptions = new Map();

  constructor(scenario, folder, handlers) {
    this.#scenario = scenario;
    this.#written = new Map(Object.entries(scenario.capsules ?? {}));
    this.#folder = folder;
    this.#handlers = handlers;
  }

  get #host() {
    return this.#hosts.get('');
  }

  #path(key) {
    return pathOf(this.#folder, key, this.#written.get(key));
  }

  #capsule(key) {
    const capsule = this.#capsules.get(key);
    if (capsule === undefined) throw new Error(`the capsule ${key} was never loaded`);
    return capsule;
  }

  /** Closes whatever is still open. */
  async end() {
    for (const { abort } of this.#calls.values()) abort.abort();
    await Promise.all([...this.#hosts.values()].map((host) => host.close()));
  }

  async open({ as = '' } = {}) {
    const handlers = as === '' ? this.#handlers.options : {};
    const { options: chosen, workspace } = this.#scenario.host ?? {};
    const options = { ...hostOptions(chosen), ...workspaceOptions(workspace, this.#folder), ...handlers };
    this.#hosts.set(as, await Host.open(join(this.#folder, this.#home), options));
    return {};
  }

  async close() {
    await this.#host.close();
    return {};
  }

  async reopen({ home = this.#home }) {
    this.#home = home;
    await this.#host.close();
    for (const map of [this.#capsules, this.#calls, this.#subscriptions]) map.clear();
    return this.open();
  }

  async inspect({ capsule }) {
    return renamed(await this.#host.inspect(this.#path(capsule)), snake);
  }

  async discover() {
    const { found, warnings } = await this.#host.discover([this.#folder]);
    return { found: found.map(({ id, version }) => ({ id, version })), warnings };
  }

  async install({ capsule, principal, attenuate, hash, accept_new_capabilities: acceptNewCapabilities }, signal) {
    const options = { principal, attenuate, hash, acceptNewCapabilities, signal };
    return renamed(await this.#host.install(this.#path(capsule), options), snake);
  }

  async load(step) {
    const capsule = await this.#host.load(this.#path(step.capsule), narrowed(step));
    this.#capsules.set(step.capsule, capsule);
    return loaded(capsule);
  }

  async load_all() {
    const capsules = await this.#host.loadAll(this.#folder);
    for (const capsule of capsules) this.#capsules.set(capsule.id, capsule);
    return capsules.map(loaded);
  }

  async load_component(step) {
    const [folder, { guest }] = [join(this.#folder, step.capsule), this.#written.get(step.capsule)];
    const bytes = await readFile(join(folder, COMPONENT));
    const manifest = await readFile(join(folder, 'Capsule.toml'), 'utf8');
    const hash = filled(step.hash ?? '{{hash}}', guest);
    const capsule = await this.#host.loadComponent(bytes, manifest, hash, narrowed(step));
    this.#capsules.set(step.capsule, capsule);
    return loaded(capsule);
  }

  async rewrite({ capsule, ...written }) {
    await rm(join(this.#folder, capsule), { recursive: true, force: true });
    await writeCapsule(this.#folder, capsule, written);
    this.#written.set(capsule, written);
    return {};
  }

  async static_file({ capsule, file }) {
    return { text: new TextDecoder().decode(await this.#capsule(capsule).staticFile(file)) };
  }

  async reload({ capsule }) {
    await this.#capsule(capsule).reload();
    return loaded(this.#capsule(capsule));
  }

  async uninstall({ capsule }) {
    await this.#host.uninstall(this.#scenario.capsules[capsule]?.name ?? capsule);
    return {};
  }

  async trigger(step, signal) {
    const { capsule, action = 'script', principal, timeout_ms: timeoutMs, traceparent } = step;
    const call = [action, payload(step), { principal, timeoutMs, traceparent, signal }];
    if (!this.#handlers.blocksNext) return hookResult(await this.#capsule(capsule).trigger(...call));
    this.#handlers.sync = true;
    try {
      return hookResult(this.#capsule(capsule).triggerSync(...call));
    } finally {
      this.#handlers.sync = false;
    }
  }

  async publish(step, signal) {
    const { topic, principal, fan_out: fanOut } = step;
    return this.#host.publish(topic, payload(step), { principal, fanOut, signal });
  }

  async wait_ready({ capsule, timeout_ms: timeoutMs }, signal) {
    await this.#capsule(capsule).waitReady({ timeoutMs, signal });
    return {};
  }

  async dial(step) {
    const { stdout } = await run(process.env.DIAL, [join(this.#folder, this.#home), JSON.stringify(step)]);
    return JSON.parse(stdout);
  }

  async start({ as, what = 'trigger', ...step }) {
    const abort = new AbortController();
    const outcome = this[what](step, abort.signal);
    // Whoever joins the call hears of its error; nobody may.
    outcome.catch(() => {});
    this.#calls.set(as, { abort, outcome });
    return {};
  }

  async join({ call, any }) {
    const { outcome } = this.#calls.get(call);
    return any ? outcome.then(() => ({}), () => ({})) : outcome;
  }

  async cancel({ call }) {
    const { abort, outcome } = this.#calls.get(call);
    const reason = new Error('cancelled by the scenario');
    abort.abort(reason);
    const ended = await outcome.then(() => 'with a result', (error) => (error === reason ? null : `with ${error}`));
    if (ended !== null) throw new Error(`the call ${call} had ended ${ended}`);
    return {};
  }

  async subscribe({ as, pattern }) {
    this.#subscriptions.set(as, { messages: this.#host.subscribe(pattern), waiting: null });
    return {};
  }

  async next({ of, timeout_ms: timeoutMs = 5000 }) {
    const subscription = this.#subscriptions.get(of);
    subscription.waiting ??= subscription.messages.next();
    const tooLate = new AbortController();
    const nothing = later(timeoutMs, null, { signal: tooLate.signal }).catch(() => null);
    const taken = await Promise.race([subscription.waiting, nothing]);
    tooLate.abort();
    if (taken === null) return { nothing: true };
    subscription.waiting = null;
    if (taken.done) return { closed: true };
    const { topic, payload: text, source, attribution, principal } = taken.value;
    return { topic, payload: text, json: parsed(text), source, attribution, principal };
  }

  async unsubscribe({ of }) {
    this.#subscriptions.get(of).messages.close();
    return {};
  }

  async state({ capsule }) {
    const { state, generation, restarts, failure } = this.#capsule(capsule);
    return { state, generation, restarts, failure };
  }

  async warnings({ capsule }) {
    return this.#capsule(capsule).warnings;
  }

  async commit({ capsule, principal = 'default' }) {
    return { changes: await this.#capsule(capsule).commit(principal) };
  }

  async rollback({ capsule, principal = 'default' }) {
    await this.#capsule(capsule).rollback(principal);
    return {};
  }

  async configure({ capsule, key, value, principal }) {
    await this.#host.configure(this.#capsule(capsule).id, key, value, { principal });
    return {};
  }

  async profile({ principal }) {
    return this.#host.profile(principal);
  }

  async set_profile({ principal, profile }) {
    await this.#host.setProfile(principal, profile);
    return {};
  }

  async principals() {
    return this.#host.principals();
  }

  async remove_principal({ principal }) {
    await this.#host.removePrincipal(principal);
    return {};
  }

  async allowances({ principal }) {
    return (await this.#host.allowances(principal)).map((one) => renamed(one, snake));
  }

  async revoke_allowance({ principal, id, nth }) {
    const which = id ?? (await this.#host.allowances(principal))[nth].id;
    return { found: await this.#host.revokeAllowance(principal, which) };
  }

  async backup({ as }) {
    await this.#host.backup(join(this.#folder, as));
    return {};
  }

  async rotate_keys() {
    await this.#host.rotateKeys();
    return {};
  }

  async metrics() {
    return { text: await this.#host.metrics() };
  }

  async usage({ principal }) {
    return renamed(await this.#host.usage(principal), snake);
  }

  async audit({ filter = {} }) {
    const entries = await this.#host.audit.entries(renamed(filter, camel));
    const whole = (value) => (typeof value === 'bigint' ? Number(value) : value);
    const shown = (entry) => Object.fromEntries(Object.entries(entry).map(([name, value]) => [snake(name), whole(value)]));
    return entries.map(shown);
  }

  async verify() {
    return this.#host.audit.verify();
  }

  async asked({ of }) {
    return [...this.#handlers.asked[of]];
  }

  async unload({ capsule }) {
    await this.#capsule(capsule).unload();
    return {};
  }
}
