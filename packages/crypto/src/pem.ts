/** PEM (RFC 7468) as Go reads and writes it: text before a block is skipped, headers and CRLF are accepted. */
import { asBuffer, parseBase64 } from './bytes.ts'
import { CryptoError } from './errors.ts'

export type PemBlock = { readonly type: string; readonly der: Uint8Array }

const block = /-----BEGIN ([A-Z0-9][A-Z0-9 #]*)-----[ \t]*\r?\n?([\s\S]*?)-----END \1-----[ \t]*(?:\r?\n|$)?/

/** 64 columns, LF, and a final LF. */
export function encodePem(type: string, der: Uint8Array): string {
  const base64 = asBuffer(der).toString('base64')
  let text = `-----BEGIN ${type}-----\n`
  for (let at = 0; at < base64.length; at += 64) text += `${base64.slice(at, at + 64)}\n`
  return `${text}-----END ${type}-----\n`
}

/** The first block of `text` and what follows it. Lines of any width are accepted: sigstore-java sends one long line. */
export function parsePemBlock(text: string): { block: PemBlock; rest: string } {
  const found = block.exec(text)
  if (found === null) throw new CryptoError('bad_pem', 'no PEM block found')
  const [whole, type = '', content = ''] = found
  // RFC 1421 headers end with an empty line; none of the formats here uses them.
  const body = content.includes(':') ? content.slice(content.search(/\r?\n\r?\n/)) : content
  let der: Uint8Array
  try {
    der = parseBase64(body.replace(/[ \t\r\n]/g, ''))
  } catch (cause) {
    throw new CryptoError('bad_pem', `the PEM block ${type} holds no valid base64`, { cause })
  }
  return { block: { type, der }, rest: text.slice(found.index + whole.length) }
}

/** Every block in `text`, at least one and at most `limit`. */
export function parsePemBlocks(text: string, limit = 100): readonly PemBlock[] {
  const blocks: PemBlock[] = []
  let rest = text
  do {
    const next = parsePemBlock(rest)
    blocks.push(next.block)
    if (blocks.length > limit) throw new CryptoError('bad_pem', `more than ${limit} PEM blocks`)
    rest = next.rest
  } while (rest.includes('-----BEGIN '))
  return blocks
}
