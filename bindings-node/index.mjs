// The same objects as `index.cjs`, so that an error is an AstridError however the package was loaded.

import astridHost from './index.cjs';

export const { AstridError, AuditLog, Capsule, CapsuleChanges, HookResult, Host, Message, Messages, errorKinds, inspectComponent, version } = astridHost;
