'use strict';
// Nanoseconds since 1970 do not fit a number: they come as text and are made into bigints here.

/** The object with these fields as bigints. */
function moments(object, ...names) {
  for (const name of names) object[name] = BigInt(object[name]);
  return object;
}

/** A checkpoint of the audit log. */
const checkpoint = (given) => moments(given, 'timeNs');

module.exports = { checkpoint, moments };
