'use strict';
// `await using` calls the method of this name; the first releases of Node 20 do not have the symbol yet.

module.exports = { asyncDispose: Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose') };
