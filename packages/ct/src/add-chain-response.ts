/** The answer of add-chain and add-pre-chain (RFC 6962 section 4.1), which is also how a detached SCT travels. */
import { CryptoError, isObject, parseBase64, toBase64 } from '@sigstack/crypto'
import { encodeDigitallySigned, parseDigitallySigned } from './digitally-signed.ts'
import { CtError } from './errors.ts'
import type { Sct } from './sct.ts'

export type AddChainResponse = {
  readonly sct_version: 0
  /** Base64, like the other texts. */
  readonly id: string
  readonly timestamp: number
  /** Empty text, never null, where there are none. */
  readonly extensions: string
  /** DigitallySigned. */
  readonly signature: string
}

const maximumCharacters = 8192

/** The members in the order in which other logs send them. */
export function addChainResponse(sct: Sct): AddChainResponse {
  return {
    sct_version: 0,
    id: toBase64(sct.logId),
    timestamp: sct.timestampMs,
    extensions: toBase64(sct.extensions),
    signature: toBase64(encodeDigitallySigned(sct.signature)),
  }
}

/** The SCT in the JSON text of an answer. Unknown members are passed over. */
export function parseAddChainResponse(text: string): Sct {
  if (text.length > maximumCharacters)
    throw new CtError('bad_json', `the answer of the CT log has more than ${maximumCharacters} characters`)
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch (cause) {
    throw new CtError('bad_json', 'the answer of the CT log is not JSON', { cause })
  }
  if (!isObject(answer)) throw new CtError('bad_json', 'the answer of the CT log is no JSON object')
  if (answer['sct_version'] !== 0)
    throw new CtError('unsupported', 'the answer of the CT log is no SCT of version 0')
  const timestampMs = answer['timestamp']
  if (typeof timestampMs !== 'number' || !Number.isSafeInteger(timestampMs) || timestampMs < 0)
    throw new CtError('bad_json', 'the timestamp of the CT log is no whole number of milliseconds')
  const logId = base64Member(answer, 'id')
  if (logId.length !== 32) throw new CtError('bad_json', 'the id of the CT log has not 32 bytes')
  const extensions =
    answer['extensions'] === undefined ? new Uint8Array() : base64Member(answer, 'extensions')
  return {
    logId,
    timestampMs,
    extensions,
    signature: parseDigitallySigned(base64Member(answer, 'signature')),
  }
}

function base64Member(members: Readonly<Record<string, unknown>>, name: string): Uint8Array {
  const text = members[name]
  if (typeof text !== 'string')
    throw new CtError('bad_json', `the answer of the CT log lacks the text ${name}`)
  try {
    return parseBase64(text)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new CtError('bad_json', `the member ${name} of the CT log's answer is not base64`, { cause })
  }
}
