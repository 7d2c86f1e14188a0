/**
 * Signatures from before bundles had a schema: cosign's JSON beside a file, and what its annotations hold.
 * Read strictly where it decides anything: a certificate is one, whatever else its field might hold.
 */
import {
  CryptoError,
  memberAt,
  parseBase64,
  parseBoundedJson,
  parseHex,
  parsePemBlock,
  parseStrictJson,
  parseUtf8,
  StrictJsonError,
} from '@sigstack/crypto'
import type { Bundle, LogEntry } from './bundle.ts'
import { VerificationError } from './errors.ts'

const longestCharacters = 32 << 20

/** What a signature is made of, as far as it is there. */
export type LegacyParts = {
  readonly signature: Uint8Array
  /** DER. */
  readonly certificate?: Uint8Array | undefined
  readonly entry?: LogEntry | undefined
  /** DER TimeStampResp. */
  readonly timestamp?: Uint8Array | undefined
}

/** The parts as the bundle that they would be today, of the oldest version. */
export function bundleOfParts(
  { certificate, entry, timestamp }: LegacyParts,
  content: Bundle['content'],
): Bundle {
  return {
    version: '0.1',
    material: certificate === undefined ? { keyHint: '' } : { certificate },
    entries: entry === undefined ? [] : [entry],
    timestamps: timestamp === undefined ? [] : [timestamp],
    content,
  }
}

export function isLegacyBundle(text: string): boolean {
  if (text.length > longestCharacters) return false
  try {
    return typeof memberAt(parseBoundedJson(text), 'base64Signature') === 'string'
  } catch {
    return false
  }
}

/** `{"base64Signature","cert","rekorBundle"}`. Throws `bad_bundle`, here and below. */
export function readLegacyBundle(text: string): LegacyParts {
  return reading(() => {
    const value = parse(text)
    const certificate = memberAt(value, 'cert')
    const rekorBundle = memberAt(value, 'rekorBundle')
    return {
      signature: bytesIn(value, 'base64Signature'),
      ...(isPresent(certificate) && { certificate: certificateIn(value) }),
      ...(isPresent(rekorBundle) && { entry: entryIn(rekorBundle) }),
    }
  })
}

/** The annotation `dev.sigstore.cosign/bundle`. */
export function readRekorBundle(text: string): LogEntry {
  return reading(() => entryIn(parse(text)))
}

/** Base64 of PEM; a bare public key would verify without anybody's word for whose it is. */
function certificateIn(value: unknown): Uint8Array {
  const pem = parseUtf8(bytesIn(value, 'cert'))
  const { block } = parsePemBlock(pem ?? '')
  if (block.type !== 'CERTIFICATE') throw unreadable('cert is no certificate')
  return block.der
}

function entryIn(value: unknown): LogEntry {
  const payload = memberAt(value, 'Payload')
  const body = bytesIn(payload, 'body')
  const content = parseStrictJson(body, { mostNames: 10_000 })
  return {
    logIndex: countIn(payload, 'logIndex'),
    logId: parseHex(textIn(payload, 'logID')),
    kind: textIn(content, 'kind'),
    version: textIn(content, 'apiVersion'),
    integratedTime: countIn(payload, 'integratedTime'),
    promise: bytesIn(value, 'SignedEntryTimestamp'),
    body,
  }
}

function reading<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof CryptoError || cause instanceof StrictJsonError)
      throw unreadable(cause.message, cause)
    throw cause
  }
}

function parse(text: string): unknown {
  if (text.length > longestCharacters) throw unreadable('it is too large')
  return parseStrictJson(text, { mostNames: 10_000 })
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

function bytesIn(value: unknown, name: string): Uint8Array {
  return parseBase64(textIn(value, name))
}

function textIn(value: unknown, name: string): string {
  const text = memberAt(value, name)
  if (typeof text !== 'string' || text === '') throw unreadable(`${name} is missing`)
  return text
}

function countIn(value: unknown, name: string): bigint {
  const count = memberAt(value, name)
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0)
    throw unreadable(`${name} is no number that counts`)
  return BigInt(count)
}

function unreadable(complaint: string, cause?: unknown): VerificationError {
  return new VerificationError('bad_bundle', `the legacy bundle cannot be read: ${complaint}`, { cause })
}
