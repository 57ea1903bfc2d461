// The verbs of the scenarios, each a few words of the binding's own API.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';

import { Host } from '../../../bindings-node/index.mjs';
import { hashOf } from './capsules.mjs';

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const renamed = (object, rename) => Object.fromEntries(Object.entries(object).map(([key, value]) => [rename(key), value]));

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The options of a scenario as the binding spells them. */
function hostOptions({ quotas, ...options } = {}) {
  return { ...renamed(options, camel), ...(quotas && { quotas: renamed(quotas, camel) }) };
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
  #capsules = new Map();
  #calls = new Map();
  #subscriptions = new Map();

  constructor(scenario, folder, handlers) {
    this.#scenario = scenario;
    this.#folder = folder;
    this.#handlers = handlers;
  }

  get #host() {
    return this.#hosts.get('');
  }

  #path(key) {
    return join(this.#folder, key);
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
    const options = { ...hostOptions(this.#scenario.host?.options), ...handlers };
    this.#hosts.set(as, await Host.open(this.#path('home'), options));
    return {};
  }

  async close() {
    await this.#host.close();
    return {};
  }

  async reopen() {
    await this.#host.close();
    for (const map of [this.#capsules, this.#calls, this.#subscriptions]) map.clear();
    return this.open();
  }

  async install({ capsule, principal, attenuate }, signal) {
    return renamed(await this.#host.install(this.#path(capsule), { principal, attenuate, signal }), snake);
  }

  async load(step) {
    const capsule = await this.#host.load(this.#path(step.capsule), narrowed(step));
    this.#capsules.set(step.capsule, capsule);
    return loaded(capsule);
  }

  async load_component(step) {
    const bytes = await readFile(join(this.#path(step.capsule), 'guest.wasm'));
    const manifest = await readFile(join(this.#path(step.capsule), 'Capsule.toml'), 'utf8');
    const hash = (step.hash ?? '{{hash}}').replace('{{hash}}', hashOf(this.#scenario.capsules[step.capsule]));
    const capsule = await this.#host.loadComponent(bytes, manifest, hash, narrowed(step));
    this.#capsules.set(step.capsule, capsule);
    return loaded(capsule);
  }

  async trigger(step, signal) {
    const { capsule, action = 'script', principal, timeout_ms: timeoutMs } = step;
    const call = [action, payload(step), { principal, timeoutMs, signal }];
    if (!this.#handlers.blocksNext) return hookResult(await this.#capsule(capsule).trigger(...call));
    this.#handlers.sync = true;
    try {
      return hookResult(this.#capsule(capsule).triggerSync(...call));
    } finally {
      this.#handlers.sync = false;
    }
  }

  async publish(step, signal) {
    return this.#host.publish(step.topic, payload(step), { principal: step.principal, signal });
  }

  async wait_ready({ capsule, timeout_ms: timeoutMs }, signal) {
    await this.#capsule(capsule).waitReady({ timeoutMs, signal });
    return {};
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
    return { state: this.#capsule(capsule).state };
  }

  async warnings({ capsule }) {
    return this.#capsule(capsule).warnings;
  }

  async configure({ capsule, key, value, principal }) {
    await this.#host.configure(this.#capsule(capsule).id, key, value, { principal });
    return {};
  }

  async usage({ principal }) {
    return renamed(await this.#host.usage(principal), snake);
  }

  async audit({ filter = {} }) {
    const entries = await this.#host.audit.entries(renamed(filter, camel));
    return entries.map(({ timeNs, ...entry }) => renamed({ ...entry, timeNs: Number(timeNs) }, snake));
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
