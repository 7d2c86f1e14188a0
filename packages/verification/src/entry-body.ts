/**
 * Whether a log entry is about this very signature: what is logged is the digest, the signature and whose it is, and an
 * entry that shares only two of them was made for something else. Kinds as Rekor defines them.
 */
import {
  bytesOf,
  digest,
  equalBytes,
  type HashAlgorithm,
  isHashAlgorithm,
  type JsonNode,
  memberAt,
  parseBase64,
  parseHex,
  parsePemBlock,
  parseStrictJson,
  parseUtf8,
  quoted,
} from '@sigstack/crypto'
import type { Artifact } from './artifact.ts'
import type { Bundle, LogEntry } from './bundle.ts'
import { notVerified, refusing } from './errors.ts'
import { digestOfSigned } from './signature.ts'

type Claim = SignatureClaim | EnvelopeClaim

type SignatureClaim = {
  /** Of what was signed, or of the payload in the envelope. */
  readonly of: 'signed' | 'payload'
  readonly algorithm: HashAlgorithm
  readonly digest: Uint8Array
  readonly signatures: readonly {
    readonly signature: Uint8Array
    /** DER of a certificate or key. */
    readonly verifier: Uint8Array
  }[]
}

/** `intoto` 0.0.1 holds no signature, but the digest of the text of the envelope, signatures and all. */
type EnvelopeClaim = {
  readonly of: 'envelope'
  readonly envelope: Digest
  readonly payload: Digest
  readonly verifier: Uint8Array
}

type Shown = {
  readonly artifact: Artifact
  /** DER of the bundle's certificate, or of the public key where it has none. */
  readonly verifier: Uint8Array
  /** The envelope byte for byte, where it is kept so. */
  readonly stored?: Uint8Array | undefined
}

export async function demandEntryOf(
  entry: LogEntry,
  { content }: Bundle,
  { artifact, verifier, stored }: Shown,
): Promise<void> {
  const claim = await refusing('the body of the log entry is malformed', () => claimIn(entry))
  if (claim.of === 'envelope') {
    demandEnvelopeOf(claim, content, verifier, stored)
    return
  }
  const [first] = claim.signatures
  if (first === undefined || claim.signatures.length !== 1)
    throw notVerified(`the log entry holds ${claim.signatures.length} signatures, the bundle one`)
  if (!equalBytes(first.signature, content.signature))
    throw notVerified('the log entry was made for another signature than the one in the bundle')
  if (!equalBytes(first.verifier, verifier))
    throw notVerified('the log entry was made for another certificate or key than the one in the bundle')
  const signed =
    claim.of === 'signed'
      ? digestOfSigned(content, artifact, claim.algorithm)
      : content.type === 'envelope' && digest(claim.algorithm, content.payload)
  if (!signed || !equalBytes(claim.digest, signed))
    throw notVerified('the log entry was made for another artifact than the one that was signed')
}

function demandEnvelopeOf(
  claim: EnvelopeClaim,
  content: Bundle['content'],
  verifier: Uint8Array,
  stored: Uint8Array | undefined,
): void {
  if (content.type !== 'envelope' || stored === undefined)
    throw notVerified(
      'the log entry is of the kind intoto 0.0.1, which says whose it is only of an envelope that is kept byte for byte',
    )
  if (!equalBytes(claim.verifier, verifier))
    throw notVerified('the log entry was made for another certificate or key than the one in the bundle')
  const isOf = (bytes: Uint8Array, { algorithm, digest: expected }: Digest): boolean =>
    equalBytes(digest(algorithm, bytes), expected)
  if (!isOf(stored, claim.envelope) || !isOf(content.payload, claim.payload))
    throw notVerified('the log entry was made for another envelope than the one that was signed')
}

function claimIn({ kind, version, body }: LogEntry): Claim {
  const value = parseStrictJson(body, { mostNames: 10_000 })
  const named = `${String(memberAt(value, 'kind'))} ${String(memberAt(value, 'apiVersion'))}`
  if (named !== `${kind} ${version}`)
    throw notVerified(
      `the log entry is called ${quoted(`${kind} ${version}`, 60)} and holds ${quoted(named, 60)}`,
    )
  const spec = memberAt(value, 'spec')
  switch (named) {
    case 'hashedrekord 0.0.1':
      return {
        of: 'signed',
        ...hexDigest(memberAt(spec, 'data', 'hash')),
        signatures: [
          {
            signature: base64(memberAt(spec, 'signature', 'content')),
            verifier: pem(memberAt(spec, 'signature', 'publicKey', 'content')),
          },
        ],
      }
    case 'hashedrekord 0.0.2':
      return {
        of: 'signed',
        ...protoDigest(memberAt(spec, 'hashedRekordV002', 'data')),
        signatures: [protoSignature(memberAt(spec, 'hashedRekordV002', 'signature'))],
      }
    case 'dsse 0.0.1':
      return {
        of: 'payload',
        ...hexDigest(memberAt(spec, 'payloadHash')),
        signatures: listOf(memberAt(spec, 'signatures')).map((item) => ({
          signature: base64(memberAt(item, 'signature')),
          verifier: pem(memberAt(item, 'verifier')),
        })),
      }
    case 'dsse 0.0.2':
      return {
        of: 'payload',
        ...protoDigest(memberAt(spec, 'dsseV002', 'payloadHash')),
        signatures: listOf(memberAt(spec, 'dsseV002', 'signatures')).map(protoSignature),
      }
    case 'intoto 0.0.1':
      return {
        of: 'envelope',
        envelope: hexDigest(memberAt(spec, 'content', 'hash')),
        payload: hexDigest(memberAt(spec, 'content', 'payloadHash')),
        verifier: pem(memberAt(spec, 'publicKey')),
      }
    case 'intoto 0.0.2':
      return {
        of: 'payload',
        ...hexDigest(memberAt(spec, 'content', 'payloadHash')),
        signatures: listOf(memberAt(spec, 'content', 'envelope', 'signatures')).map((item) => ({
          // Encoded twice: once by the envelope, once by the log.
          signature: base64(Buffer.from(base64(memberAt(item, 'sig'))).toString('latin1')),
          verifier: pem(memberAt(item, 'publicKey')),
        })),
      }
    default:
      throw notVerified(`log entries of kind ${quoted(named, 60)} are not supported`)
  }
}

type Digest = Pick<SignatureClaim, 'algorithm' | 'digest'>

function hexDigest(value: unknown): Digest {
  const algorithm = textOf(memberAt(value, 'algorithm'))
  if (!isHashAlgorithm(algorithm)) throw notVerified('the log entry names no hash algorithm that counts')
  return { algorithm, digest: parseHex(textOf(memberAt(value, 'value'))) }
}

const protoAlgorithms: Readonly<Record<string, HashAlgorithm>> = {
  SHA2_256: 'sha256',
  SHA2_384: 'sha384',
  SHA2_512: 'sha512',
}

function protoDigest(value: unknown): Digest {
  const name = textOf(memberAt(value, 'algorithm'))
  const algorithm = Object.hasOwn(protoAlgorithms, name) ? protoAlgorithms[name] : undefined
  if (algorithm === undefined) throw notVerified('the log entry names no hash algorithm that counts')
  return { algorithm, digest: protoBytes(memberAt(value, 'digest'), 'digest') }
}

function protoSignature(value: unknown): SignatureClaim['signatures'][number] {
  const verifier = memberAt(value, 'verifier')
  const certificate = memberAt(verifier, 'x509Certificate', 'rawBytes')
  return {
    signature: protoBytes(memberAt(value, 'content'), 'content'),
    verifier: protoBytes(certificate ?? memberAt(verifier, 'publicKey', 'rawBytes'), 'verifier'),
  }
}

function protoBytes(value: unknown, path: string): Uint8Array {
  const node: JsonNode = { value, path }
  return bytesOf(node, 64 << 10)
}

function pem(value: unknown): Uint8Array {
  const text = parseUtf8(base64(value))
  if (text === undefined) throw notVerified('the log entry holds a certificate or key that is no text')
  return parsePemBlock(text).block.der
}

function base64(value: unknown): Uint8Array {
  return parseBase64(textOf(value))
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw notVerified('the log entry lacks a member that its kind must have')
  return value
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, 100) : []
}
