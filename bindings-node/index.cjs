'use strict';
// What the package offers; `index.mjs` offers the same objects to `import`.

const { AuditLog } = require('./lib/audit.cjs');
const { Capsule } = require('./lib/capsule.cjs');
const { CapsuleChanges } = require('./lib/changes.cjs');
const { AstridError, errorKinds } = require('./lib/error.cjs');
const { Host } = require('./lib/host.cjs');
const { inspectComponent } = require('./lib/inspect.cjs');
const { Messages } = require('./lib/messages.cjs');
const native = require('./lib/native.cjs');
const { HookResult, Message } = require('./lib/result.cjs');

module.exports = { AstridError, AuditLog, Capsule, CapsuleChanges, HookResult, Host, Message, Messages, errorKinds, inspectComponent, version: native.version() };
