/** SSH public keys as files hold them: lines of `authorized_keys` (sshd(8)). */
import { asBuffer, CryptoError, parseBase64, sha256Hex, toBase64 } from '@sigstack/crypto'
import { EntryError } from '../../errors.ts'
import { isEmail } from '../email.ts'
import { parseSshKey, type SshKey } from './public-key.ts'

export type AuthorizedKey = SshKey & {
  /** The line without options and comment, with a final LF: the form in which the log holds it. */
  readonly line: string
  /** Hex SHA-256 of `line`. */
  readonly hash: string
  /** The comment, where it is an e-mail address. */
  readonly subjects: readonly string[]
}

const fileLimitBytes = 65_536
/** base64 of {@link fileLimitBytes}. */
export const sshKeyContentLimit = 88_000

/** The first line that holds a key. Empty lines and comments are passed over; throws `bad_public_key`. */
export function parseAuthorizedKey(content: Uint8Array): AuthorizedKey {
  if (content.length > fileLimitBytes)
    throw new EntryError('bad_public_key', `http: request body too large: more than ${fileLimitBytes} bytes`)
  for (const line of asBuffer(content).toString('latin1').split('\n')) {
    const key = parseLine(line.trim())
    if (key !== undefined) return key
  }
  throw new EntryError('bad_public_key', 'ssh: no key found')
}

/** `type base64 comment`, where options may stand before. */
function parseLine(line: string): AuthorizedKey | undefined {
  if (line === '' || line.startsWith('#')) return undefined
  const withoutType = afterField(line)
  return keyOf(withoutType) ?? keyOf(afterField(afterOptions(line)))
}

function keyOf(text: string): AuthorizedKey | undefined {
  const comment = afterField(text)
  const base64 = text.slice(0, text.length - comment.length).trimEnd()
  const blob = blobOf(base64)
  if (blob === undefined) return undefined
  const key = parseSshKey(blob)
  const canonical = `${key.type} ${toBase64(blob)}\n`
  return { ...key, line: canonical, hash: sha256Hex(canonical), subjects: isEmail(comment) ? [comment] : [] }
}

/** Every blob begins with the length of a type's name, of which the first three bytes are zero. */
function blobOf(base64: string): Uint8Array | undefined {
  if (!base64.startsWith('AAAA')) return undefined
  try {
    return parseBase64(base64)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    return undefined
  }
}

function afterField(text: string): string {
  const end = text.search(/[ \t]/)
  return end === -1 ? '' : text.slice(end).trimStart()
}

/** Options are parted by commas and may hold quoted blanks. */
function afterOptions(line: string): string {
  let isQuoted = false
  for (let at = 0; at < line.length; at++) {
    const character = line[at]
    if (character === '"' && line[at - 1] !== '\\') isQuoted = !isQuoted
    if (!isQuoted && (character === ' ' || character === '\t')) return line.slice(at).trimStart()
  }
  return ''
}
