// Whether a result is what a scenario expects, and if not, where it differs.

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

const show = (value) => {
  const text = JSON.stringify(value);
  return text === undefined ? 'nothing' : text.length > 300 ? `${text.slice(0, 300)}…` : text;
};

const fits = (value, wanted) => mismatch(value, wanted) === null;

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether items of the array match each of the wanted ones, in their order. */
function hasInOrder(value, wanted) {
  let from = 0;
  return wanted.every((one) => {
    const place = value.findIndex((item, n) => n >= from && fits(item, one));
    from = place + 1;
    return place >= 0;
  });
}

const MATCHERS = {
  $any: () => true,
  $absent: (value) => value === undefined || value === null,
  $not: (value, wanted) => !fits(value, wanted),
  $gte: (value, wanted) => typeof value === 'number' && value >= wanted,
  $lte: (value, wanted) => typeof value === 'number' && value <= wanted,
  $contains: (value, wanted) => typeof value === 'string' && value.includes(wanted),
  $parsed: (value, wanted) => typeof value === 'string' && fits(parsed(value), wanted),
  $length: (value, wanted) => Array.isArray(value) && value.length === wanted,
  $has: (value, wanted) => Array.isArray(value) && hasInOrder(value, wanted),
  $some: (value, wanted) => Array.isArray(value) && wanted.every((one) => value.some((item) => fits(item, one))),
  $none: (value, wanted) => Array.isArray(value) && !wanted.some((one) => value.some((item) => fits(item, one))),
};

/** Null if the value matches; otherwise a sentence that says where it does not. */
export function mismatch(value, wanted, where = 'the result') {
  const failed = () => `${where} is ${show(value)}, expected ${show(wanted)}`;
  if (Array.isArray(wanted)) {
    if (!Array.isArray(value) || value.length !== wanted.length) return failed();
    return first(wanted.map((one, n) => () => mismatch(value[n], one, `${where}[${n}]`)));
  }
  if (!isObject(wanted)) return Object.is(value, wanted) || value === wanted ? null : failed();
  const keys = Object.keys(wanted);
  if (keys.length === 1 && keys[0].startsWith('$')) {
    const matches = MATCHERS[keys[0]];
    if (matches === undefined) throw new Error(`no such matcher: ${keys[0]}`);
    return matches(value, wanted[keys[0]]) ? null : failed();
  }
  if (!isObject(value)) return failed();
  return first(keys.map((key) => () => mismatch(value[key], wanted[key], `${where}.${key}`)));
}

function first(checks) {
  for (const check of checks) {
    const found = check();
    if (found !== null) return found;
  }
  return null;
}
