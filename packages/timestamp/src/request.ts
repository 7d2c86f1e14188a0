/** TimeStampReq (RFC 3161 section 2.4.1) in DER, read by the library, since it comes from outside. */
import { CryptoError, digestLengthBytes } from '@sigstack/crypto'
import {
  type BaseBlock,
  Boolean as BooleanBlock,
  Integer,
  Null,
  ObjectIdentifier,
  OctetString,
  Sequence,
} from 'asn1js'
import type { TimestampRequest } from './encode-request.ts'
import { malformed, TimestampError } from './errors.ts'
import { hashOf, sha1Oid } from './oids.ts'
import { readTree } from './read-tree.ts'

/** A request is flat: what is deeper or has more parts is none. The extensions may have some. */
const bounds = { maxDepth: 16, maxNodes: 512, maxOidBytes: 1024 }
const integerTag = 2
/** Longer than any nonce that somebody means. */
const longestNonceBytes = 4096
/** Room for such a nonce and all else; strings that are no text cost the library half a second a megabyte. */
const longestBytes = 16 * 1024

/** Throws a {@link TimestampError}. */
export function parseTimestampRequest(bytes: Uint8Array): TimestampRequest {
  const [version, imprint, ...optional] = membersOf(readWhole(bytes), 'the request')
  if (!isInteger(version) || Buffer.compare(contentOf(version), Uint8Array.of(1)) !== 0)
    throw malformed('the request is not of version 1')
  const [algorithm, hashed, surplus] = membersOf(imprint, 'the message imprint')
  if (!(hashed instanceof OctetString) || hashed.idBlock.isConstructed || surplus !== undefined)
    throw malformed('the message imprint has no digest')
  const rest = [...optional]
  const take = <T extends BaseBlock>(isIt: (block: BaseBlock | undefined) => block is T): T | undefined =>
    isIt(rest[0]) ? (rest.shift() as T) : undefined
  const policy = take((block) => block instanceof ObjectIdentifier)
  const nonce = take(isInteger)
  const certificates = take((block) => block instanceof BooleanBlock)
  const extensions = take((block): block is BaseBlock => isContextZero(block))
  if (rest.length > 0) throw malformed('the request has parts that do not belong there')
  const digest = contentOf(hashed)
  if (digest.length === 0) throw malformed('the message imprint is empty')
  return {
    ...checkedImprint(algorithmOf(algorithm), digest),
    ...(policy !== undefined && { policy: policy.getValue() }),
    ...(nonce !== undefined && { nonce: nonceOf(nonce) }),
    certificates: certificates !== undefined && isTrue(certificates),
    hasExtensions: extensions !== undefined,
  }
}

/** The digest of `hash`, by its name or object identifier, where it may be stamped. */
export function checkedImprint(
  hash: string,
  imprint: Uint8Array,
): Pick<TimestampRequest, 'hash' | 'imprint'> {
  if (hash === sha1Oid) throw new TimestampError('weak_hash', 'SHA-1 is not stamped')
  const known = hashOf(hash)
  if (known === undefined) throw new TimestampError('unsupported_hash', 'the hash is none that is stamped')
  const length = digestLengthBytes[known]
  if (imprint.length !== length)
    throw new TimestampError(
      'wrong_digest_length',
      `a digest of ${known} has ${length} bytes, this one has ${imprint.length}`,
    )
  return { hash: known, imprint }
}

function readWhole(bytes: Uint8Array): BaseBlock {
  if (bytes.length > longestBytes) throw malformed(`a request may have ${longestBytes} bytes`)
  try {
    return readTree(bytes, bounds)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw malformed('the request is no DER', cause)
  }
}

function membersOf(block: BaseBlock | undefined, what: string): readonly BaseBlock[] {
  if (!(block instanceof Sequence) || !block.idBlock.isConstructed || block.lenBlock.isIndefiniteForm)
    throw malformed(`${what} is no sequence`)
  return block.valueBlock.value
}

function algorithmOf(block: BaseBlock | undefined): string {
  const [oid, parameters, surplus] = membersOf(block, 'the hash algorithm')
  if (!(oid instanceof ObjectIdentifier) || surplus !== undefined)
    throw malformed('the hash algorithm has no name')
  if (parameters !== undefined && !isNull(parameters))
    throw malformed('the parameters of the hash are not NULL')
  return oid.getValue()
}

/** NULL has no content; hashes of the SHA-2 family have no other parameters (RFC 5754 section 2). */
function isNull(block: BaseBlock): boolean {
  return block instanceof Null && block.lenBlock.length === 0
}

/** The library's ENUMERATED is an `Integer` too. */
function isInteger(block: BaseBlock | undefined): block is Integer {
  return block instanceof Integer && block.idBlock.tagNumber === integerTag
}

function isContextZero(block: BaseBlock | undefined): block is BaseBlock {
  return block?.idBlock.tagClass === 3 && block.idBlock.tagNumber === 0 && block.idBlock.isConstructed
}

function contentOf({ valueBlock }: OctetString | Integer): Uint8Array {
  return Uint8Array.from(valueBlock.valueHexView)
}

function nonceOf(nonce: Integer): Uint8Array {
  const content = contentOf(nonce)
  const [first, second = 0] = content
  const isPadded =
    content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  if (first === undefined || isPadded) throw malformed('the nonce is no DER')
  if (content.length > longestNonceBytes)
    throw malformed(`a nonce may have ${longestNonceBytes} bytes, this one has ${content.length}`)
  return content
}

function isTrue(block: BooleanBlock): boolean {
  const { valueHexView } = block.valueBlock
  const [byte] = valueHexView
  if (valueHexView.length !== 1 || (byte !== 0xff && byte !== 0)) throw malformed('certReq is no DER')
  return byte === 0xff
}
