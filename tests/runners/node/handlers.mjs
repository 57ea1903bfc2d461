// Handlers that answer what a scenario says, in order, and remember what they were asked.

import { setTimeout as later } from 'node:timers/promises';

const QUESTIONS = {
  elicit: ({ principal, capsule, phase, key, kind, description, options, default: fallback }) => ({
    principal, capsule, phase, key, kind, description, options, default: fallback,
  }),
  approval: ({ principal, capsule, action, resource, risk }) => ({ principal, capsule, action, resource, risk }),
  // A message speaks for its writer, if a link says who that is here; news of an uplink for whoever registered it.
  uplink: ({ event, capsule, uplinkId, platform, platformUserId = '', content = '', principal, resolved = principal }) => ({
    event, capsule, uplink_id: uplinkId, platform, user: platformUserId, content, principal: resolved,
  }),
};

/** What is told without an answer. */
const NEWS = {
  log: ({ capsule, principal, level, message }) => ({ capsule, principal, level, message }),
  checkpoint: ({ sequence, entries, timeNs, head, publicKey, signature }) => ({
    sequence, entries, time_ns: Number(timeNs), head, public_key: publicKey, signature,
  }),
};

const WRONG = { elicit: 42, approval: 'yes', uplink: { delivered: true } };

/** What a handler does for one answer of a scenario; `sync` when the answer is asked for by `triggerSync`. */
function act(of, answer, sync) {
  if (typeof answer === 'string') return answer;
  if ('text' in answer) return answer.text;
  if ('list' in answer) return answer.list;
  if ('cancelled' in answer) return null;
  if ('raise' in answer) throw new Error(answer.raise);
  if ('wrong_type' in answer) return WRONG[of];
  if ('never' in answer) return new Promise(() => {});
  if ('late_ms' in answer) return later(answer.late_ms).then(() => act(of, answer.answer, sync));
  if ('twice' in answer) return act(of, answer.twice, sync);
  if ('would_block' in answer) {
    if (sync) return Promise.resolve('approve');
    throw new Error('would_block_caller: this handler needs the thread that waits for it');
  }
  throw new Error(`no such answer: ${JSON.stringify(answer)}`);
}

/** The handlers of a scenario. */
export class Scripted {
  asked = { elicit: [], approval: [], uplink: [], log: [], checkpoint: [] };
  sync = false;
  #lists;
  #places = { elicit: 0, approval: 0, uplink: 0 };

  constructor(host) {
    this.#lists = host;
  }

  /** As options of `Host.open`; what the scenario does not name has no handler. */
  get options() {
    const handler = (of) => (this.#lists[of] === undefined ? undefined : (question) => this.#ask(of, question));
    const teller = (of) => (this.#lists[of] === true ? (news) => void this.asked[of].push(NEWS[of](news)) : undefined);
    return {
      onElicit: handler('elicit'),
      onApproval: handler('approval'),
      onUplink: handler('uplink'),
      onLog: teller('log'),
      onCheckpoint: teller('checkpoint'),
    };
  }

  /** Whether the next answer of some list would block its caller. */
  get blocksNext() {
    return Object.keys(this.#places).some((of) => typeof this.#next(of) === 'object' && 'would_block' in this.#next(of));
  }

  #next(of) {
    const list = this.#lists[of] ?? [];
    return list[Math.min(this.#places[of], list.length - 1)] ?? {};
  }

  #ask(of, question) {
    this.asked[of].push(QUESTIONS[of](question));
    if (of === 'uplink' && question.event !== 'message') return 'delivered';
    const answer = this.#next(of);
    this.#places[of] += 1;
    return act(of, answer, this.sync);
  }
}
