/** How deep JSON from outside is nested: whoever walks it by recursion, as the runtime itself does, ends where the stack does. */

/** Deeper than anything that is meant, and far from the end of the stack. */
export const deepestJson = 100

/** Whether lists and objects of `value` lie deeper in one another than `limit`, which also bounds the recursion. */
export function isDeeperThan(value: unknown, limit: number): boolean {
  if (!isParent(value)) return false
  if (limit === 0) return true
  if (Array.isArray(value)) return value.some((item) => isDeeperThan(item, limit - 1))
  // In place of Object.values, which makes a list of each.
  for (const name in value) if (isDeeperThan(value[name as keyof typeof value], limit - 1)) return true
  return false
}

/** Bytes have no members, however many values they have. */
function isParent(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
}

/** `JSON.parse` that throws a SyntaxError for what is nested deeper than {@link deepestJson}, too. */
export function parseBoundedJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  if (isDeeperThan(value, deepestJson)) throw new SyntaxError('the JSON is nested too deeply')
  return value
}
