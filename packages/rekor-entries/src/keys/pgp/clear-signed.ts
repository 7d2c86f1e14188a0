/** Clear-signed messages (RFC 9580 section 7): readable text with an armoured signature below it. */
import { asBuffer } from '@sigstack/crypto'
import { EntryError } from '../../errors.ts'
import { findArmor, linesOf } from './armor.ts'
import { type PgpSignature, parsePgpSignature } from './signature.ts'

export type ClearSigned = {
  /** Without dash escapes and without white space at the end of lines; each line ends with LF. */
  readonly text: Uint8Array
  /** What the signature is over: as `text` but lines parted by CRLF and the last one without. */
  readonly signed: Uint8Array
  readonly signature: PgpSignature
}

/** The first clear-signed message in `content`; `undefined` when there is none. Throws `bad_signature`. */
export async function parseClearSigned(content: Uint8Array): Promise<ClearSigned | undefined> {
  const message = asBuffer(content).toString('latin1')
  const lines: string[] = []
  let part: 'before' | 'headers' | 'text' = 'before'
  let at = 0
  for (const line of linesOf(message, 'end')) {
    if (part === 'before') {
      if (line === '-----BEGIN PGP SIGNED MESSAGE-----') part = 'headers'
    } else if (part === 'headers') {
      if (line === '') part = 'text'
      else if (!line.startsWith('Hash:')) return undefined
    } else if (line === '-----BEGIN PGP SIGNATURE-----') {
      return {
        text: latin1(`${lines.join('\n')}\n`),
        signed: latin1(lines.join('\r\n')),
        signature: await parseSignatureBelow(message.slice(at)),
      }
    } else lines.push(line.startsWith('- ') ? line.slice(2) : line)
    at = message.indexOf('\n', at) + 1
  }
  return undefined
}

function parseSignatureBelow(text: string): Promise<PgpSignature> {
  const block = findArmor(text)
  if (block === undefined) throw new EntryError('bad_signature', 'invalid PGP signature: EOF')
  return parsePgpSignature(block.bytes)
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
