'use strict';
// The audit log of a host.

const { json, path } = require('./payload.cjs');

/** The log of everything that was asked, allowed and denied. */
class AuditLog {
  #line;

  constructor(line) {
    this.#line = line;
  }

  async entries(filter = {}) {
    const text = json('the filter', filter);
    const entries = await this.#line.call((number) => this.#line.native.auditEntries(number, text));
    // Nanoseconds since 1970 do not fit a number.
    for (const entry of entries) {
      for (const name of ['timeNs', 'firstNs', 'lastNs']) entry[name] = BigInt(entry[name]);
    }
    return entries;
  }

  async verify() {
    return this.#line.call((number) => this.#line.native.auditVerify(number));
  }

  async export(file) {
    const to = path('file', file);
    return this.#line.call((number) => this.#line.native.auditExport(number, to), { read: () => undefined });
  }

  async publicKey() {
    return this.#line.call((number) => this.#line.native.auditPublicKey(number));
  }
}

module.exports = { AuditLog };
