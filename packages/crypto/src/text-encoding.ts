/** Text that was written elsewhere: editors and shells put a mark before it, and some of them write UTF-16. */
import { CryptoError } from './errors.ts'

/**
 * The text of a file: UTF-8, with or without a byte order mark, or UTF-16 with one, as Windows PowerShell writes it. The
 * mark is no part of the text. Throws `bad_text` for anything else.
 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder(encodingOfMark(bytes) ?? 'utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new CryptoError('bad_text', 'it is neither UTF-8 text nor UTF-16 text with a byte order mark', {
      cause,
    })
  }
}

/** The encoding that a byte order mark names; `TextDecoder` takes the mark away. */
export function encodingOfMark([first, second]: Uint8Array): string | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  return first === 0xef && second === 0xbb ? 'utf-8' : undefined
}
