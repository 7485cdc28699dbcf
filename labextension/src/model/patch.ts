/** JSON Merge Patch (RFC 7396): what has to be sent so that `before` becomes `after`. */

type Json = unknown;

/** The smallest merge patch; empty when nothing differs. */
export function mergePatch(before: object, after: object): Record<string, Json> {
  const [old, wanted] = [before as Record<string, Json>, after as Record<string, Json>];
  const patch: Record<string, Json> = {};
  for (const key of new Set([...Object.keys(old), ...Object.keys(wanted)])) {
    if (isSame(old[key], wanted[key])) {
      continue;
    }
    patch[key] =
      isObject(old[key]) && isObject(wanted[key]) ? mergePatch(old[key], wanted[key]) : (wanted[key] ?? null);
  }
  return patch;
}

/** True when two JSON values are equal; a missing key equals undefined. */
export function isSame(one: Json, other: Json): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, place) => isSame(item, other[place]));
  }
  if (isObject(one) && isObject(other)) {
    return [...new Set([...Object.keys(one), ...Object.keys(other)])].every(key => isSame(one[key], other[key]));
  }
  return one === other;
}

function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
