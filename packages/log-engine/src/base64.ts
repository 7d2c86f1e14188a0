/**
 * Standard base64 (RFC 4648 section 4) from memory to memory, with one short-lived text between, since Node's own reads and writes
 * texts alone: four times as fast as a loop here.
 */
const padding = 0x3d

/** Bytes of the 64 characters, by their values. */
export const alphabet: Uint8Array = Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
)

/** How many characters so many bytes take. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4
}

/**
 * Writes what the characters from `start` to `end` encode into `target` at `at`. They are of the alphabet, with at most two of padding at
 * the end, and line feeds between them do not count. Returns where it ends; `undefined` where encoding it again would give other
 * characters.
 */
export function decodeBase64(
  text: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  lineFeeds = 0,
): number | undefined {
  const characters = end - start - lineFeeds
  if (characters === 0 || characters % 4 !== 0) return undefined
  const padded = text[end - 1] !== padding ? 0 : text[end - 2] !== padding ? 1 : 2
  // Bits that no byte takes.
  const unused = padded === 0 ? 0 : padded === 1 ? 0x03 : 0x0f
  if ((alphabet.indexOf(text[end - 1 - padded] ?? 0) & unused) !== 0) return undefined
  const to = at + (characters / 4) * 3 - padded
  const written = target.write(text.toString('latin1', start, end), at, 'base64')
  return at + written === to ? to : undefined
}

/** Writes the characters of the bytes from `start` to `end`, padded, into `target` at `at`, and returns where they end. */
export function encodeBase64(bytes: Buffer, start: number, end: number, target: Buffer, at: number): number {
  return at + target.write(bytes.toString('base64', start, end), at, 'latin1')
}
