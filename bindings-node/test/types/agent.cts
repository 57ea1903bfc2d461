// The same package, required.

import astridHost = require('astrid-host');

const open: Promise<astridHost.Host> = astridHost.Host.open('home', { onUplink: () => 'dropped' });
open.then((host) => host.close());
