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

/** What was not parsed, as it is nested deeper than {@link deepestJson}. */
export class NestingError extends SyntaxError {}

/** `JSON.parse` that throws a {@link NestingError}, too. */
export function parseBoundedJson(text: string): unknown {
  // First, because `JSON.parse` would build a list for each bracket, which takes sixty times the memory and seconds.
  if (opensDeeperThan(text, deepestJson)) throw new NestingError('the JSON is nested too deeply')
  return JSON.parse(text)
}

const [quote, backslash, openList, closeList, openObject, closeObject] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]

/** Whether more brackets are open at once than `limit`, outside of texts; of what is no JSON it says anything. */
function opensDeeperThan(text: string, limit: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = endOfText(text, at)
      if (at < 0) return false
    } else if (code === openList || code === openObject) {
      if (++depth > limit) return true
    } else if (code === closeList || code === closeObject) depth--
  }
  return false
}

/** The quote that ends the text which begins at `start`; -1 where there is none. */
function endOfText(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end
    while (text.charCodeAt(before - 1) === backslash) before--
    // One that is itself escaped escapes nothing.
    if ((end - before) % 2 === 0) return end
  }
  return -1
}
