/**
 * `dev.sigstore.rekor.v2.CreateEntryRequest` in protobuf JSON, as its clients send it (rekor-v2.md section 2). A text that is no such
 * message is refused as the Go decoder refuses it; what the message means is not looked at here.
 */
import {
  badMember,
  bytesOf,
  itemsOf,
  type JsonNode,
  membersOf,
  oneOf,
  ProtoJsonError,
  parseProtoJson,
  textOf,
} from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { keyDetailsNumbers } from './key-details.ts'

export type VerifierMessage = {
  /** DER; `undefined` where neither is set. */
  readonly key: { readonly form: 'publicKey' | 'x509Certificate'; readonly rawBytes: Uint8Array } | undefined
  /** A name of {@link keyDetailsNumbers}. */
  readonly keyDetails: string
}

export type HashedRekordRequest = {
  readonly type: 'hashedrekord'
  readonly digest: Uint8Array
  readonly signature: Uint8Array
  readonly verifier: VerifierMessage | undefined
}

export type DsseRequest = {
  readonly type: 'dsse'
  readonly payload: Uint8Array
  readonly payloadType: string
  readonly signatures: readonly Uint8Array[]
  readonly verifiers: readonly VerifierMessage[]
}

export type CreateEntryRequest = HashedRekordRequest | DsseRequest

/** As long as bodies may be. */
const longestText = 134_217_728
const longestKey = 65_536
const longestSignature = 8_192
const longestDigest = 1_024
/** Ten are a request's; more are refused by what it means. */
const mostItems = 100

/** Throws EntryError `bad_message`, and `unknown_type` where no kind of entry is set. */
export function parseCreateEntryRequest(text: string): CreateEntryRequest {
  try {
    return requestOf(text)
  } catch (cause) {
    if (!(cause instanceof ProtoJsonError)) throw cause
    throw new EntryError('bad_message', cause.message, { cause })
  }
}

function requestOf(text: string): CreateEntryRequest {
  // A body of nothing is the message of nothing.
  const document = parseProtoJson(text.trim() === '' ? '{}' : text, 'request', longestText)
  const { hashedRekordRequestV002, dsseRequestV002 } = membersOf(document, [
    'hashedRekordRequestV002',
    'dsseRequestV002',
  ])
  if (hashedRekordRequestV002 !== undefined && dsseRequestV002 !== undefined)
    throw badMember(dsseRequestV002.path, 'is set beside hashedRekordRequestV002')
  if (hashedRekordRequestV002 !== undefined) return hashedRekordOf(hashedRekordRequestV002)
  if (dsseRequestV002 !== undefined) return dsseOf(dsseRequestV002)
  throw new EntryError('unknown_type', 'the request sets no kind of entry')
}

function hashedRekordOf(node: JsonNode): HashedRekordRequest {
  const { digest, signature } = membersOf(node, ['digest', 'signature'])
  const { content, verifier } = signature === undefined ? {} : membersOf(signature, ['content', 'verifier'])
  return {
    type: 'hashedrekord',
    digest: optionalBytes(digest, longestDigest),
    signature: optionalBytes(content, longestSignature),
    verifier: verifier && verifierOf(verifier),
  }
}

function dsseOf(node: JsonNode): DsseRequest {
  const { envelope, verifiers } = membersOf(node, ['envelope', 'verifiers'])
  const { payload, payloadType, signatures } =
    envelope === undefined ? {} : membersOf(envelope, ['payload', 'payloadType', 'signatures'])
  return {
    type: 'dsse',
    payload: optionalBytes(payload, longestText),
    payloadType: payloadType === undefined ? '' : textOf(payloadType, 4_096),
    signatures: itemsOf(signatures, mostItems).map((item) => {
      const { sig, keyid } = membersOf(item, ['sig', 'keyid'])
      if (keyid !== undefined) textOf(keyid, 65_536)
      return optionalBytes(sig, longestSignature)
    }),
    verifiers: itemsOf(verifiers, mostItems).map(verifierOf),
  }
}

function verifierOf(node: JsonNode): VerifierMessage {
  const { publicKey, x509Certificate, keyDetails } = membersOf(node, [
    'publicKey',
    'x509Certificate',
    'keyDetails',
  ])
  if (publicKey !== undefined && x509Certificate !== undefined)
    throw badMember(x509Certificate.path, 'is set beside publicKey')
  const form = publicKey === undefined ? 'x509Certificate' : 'publicKey'
  const key = publicKey ?? x509Certificate
  return {
    key: key && { form, rawBytes: optionalBytes(membersOf(key, ['rawBytes']).rawBytes, longestKey) },
    keyDetails: keyDetails === undefined ? names[0] : keyDetailsOf(keyDetails),
  }
}

const names = Object.keys(keyDetailsNumbers) as [string, ...string[]]

/** By name or by number. A number that has no name yet is a value like any other, and one that nobody allows. */
function keyDetailsOf(node: JsonNode): string {
  const { value } = node
  if (typeof value !== 'number') return oneOf(node, names)
  if (!Number.isInteger(value) || Math.abs(value) > 0x7fffffff) throw badMember(node.path, 'is no enum value')
  return names.find((name) => keyDetailsNumbers[name] === value) ?? names[0]
}

function optionalBytes(node: JsonNode | undefined, maximum: number): Uint8Array {
  return node === undefined ? new Uint8Array() : bytesOf(node, maximum)
}
