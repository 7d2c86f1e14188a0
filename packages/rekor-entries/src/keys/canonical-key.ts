/** Public keys and certificates in the one form under which the log stores and finds them. */
import {
  asBuffer,
  CryptoError,
  encodePem,
  escaped,
  type PemBlock,
  type PublicKey,
  parsePemBlock,
  parsePemBlocks,
  parsePublicKey,
  sha256Hex,
  toBase64,
} from '@sigstack/crypto'
import { type Certificate, parseCertificate, X509Error } from '@sigstack/x509'
import { EntryError } from '../errors.ts'
import { type CertificateIdentity, identityIn, type Verifier } from '../verifier.ts'
import { verifyChain } from './checks.ts'

export type CanonicalKey = {
  /** Of a certificate or chain: the leaf's. */
  readonly publicKey: PublicKey
  /** PEM without headers, 64 columns, LF, final LF; a chain is the concatenation, leaf first. */
  readonly pem: string
  /** Hex SHA-256 of `pem`. */
  readonly hash: string
  /** Leaf first; none for a plain key. */
  readonly certificates: readonly Certificate[]
  /** Of a chain the leaf's; without names for a plain key. */
  readonly identity: CertificateIdentity
}

/** Ten certificates of 64 KiB, in PEM, in base64: more than any client sends, and little enough to read. */
export const keyContentLimit = 1_300_000
const chainLimit = 10

/** Parses PEM as sent by a client: text before the block, CRLF and any line width are accepted and vanish. */
export function parseCanonicalKey(content: Uint8Array): CanonicalKey {
  const text = asBuffer(content).toString('latin1').trim()
  try {
    const { block, rest } = parsePemBlock(text)
    if (rest !== '') return ofCertificates(blocksOfChain(text))
    if (block.type === 'CERTIFICATE') return ofCertificates([block])
    if (block.type !== 'PUBLIC KEY')
      throw new EntryError('bad_public_key', `invalid public key: cannot handle type ${escaped(block.type)}`)
    return canonical(parsePublicKey(block.der), block.pem, [], { subjects: [] })
  } catch (cause) {
    if (cause instanceof EntryError) throw cause
    if (!(cause instanceof CryptoError || cause instanceof X509Error)) throw cause
    const reason = cause.message === 'no PEM block found' ? 'failure decoding PEM' : cause.message
    throw new EntryError('bad_public_key', `invalid public key: ${reason}`, { cause })
  }
}

/** base64 of the canonical PEM, as it stands in a body. */
export function encodeCanonicalKey({ pem }: CanonicalKey): string {
  return toBase64(Buffer.from(pem, 'latin1'))
}

/** A certificate of a foreign format, as a key of ours. Throws an X509Error or a CryptoError. */
export function certificateKey(der: Uint8Array): CanonicalKey {
  return ofCertificates([{ der, pem: encodePem('CERTIFICATE', der) }])
}

/** A SubjectPublicKeyInfo of a foreign format, as a key of ours. Throws a CryptoError. */
export function plainKey(spki: Uint8Array): CanonicalKey {
  return canonical(parsePublicKey(spki), encodePem('PUBLIC KEY', spki), [], { subjects: [] })
}

export function verifierOf({ publicKey, hash, certificates, identity }: CanonicalKey): Verifier {
  return { keyHash: hash, spki: publicKey.spki, chain: certificates.map(({ der }) => der), ...identity }
}

/**
 * The verifier in a stored body. Logs hold certificates of times before the door was as strict: they are known by their hash
 * and by no name.
 */
export function storedVerifier(content: Uint8Array): Verifier {
  try {
    return verifierOf(parseCanonicalKey(content))
  } catch (error) {
    if (!(error instanceof EntryError)) throw error
    return { keyHash: sha256Hex(content), chain: [], subjects: [] }
  }
}

/**
 * Checks a chain that was sent as key: each certificate signed by the next, the last one trusted as it is, all valid when
 * the leaf began to be. Says nothing about who they are: the log proves existence, not trust.
 */
export async function verifyCanonicalChain({ certificates }: CanonicalKey): Promise<void> {
  const [leaf] = certificates
  if (leaf === undefined || certificates.length < 2) return
  try {
    await verifyChain(certificates, leaf.notBefore)
  } catch (cause) {
    if (!(cause instanceof CryptoError || cause instanceof X509Error)) throw cause
    throw new EntryError('bad_certificate_chain', `verifying signature: ${cause.message}`, { cause })
  }
}

/** Whatever follows the first block must be certificates too. */
function blocksOfChain(text: string): readonly PemBlock[] {
  const blocks = parsePemBlocks(text, chainLimit + 1)
  if (blocks.length > chainLimit)
    throw new EntryError('bad_certificate_chain', 'too many certificates specified in PEM block')
  if (!text.endsWith('-----') || blocks.some(({ type }) => type !== 'CERTIFICATE'))
    throw new EntryError('bad_certificate_chain', 'error during PEM decoding')
  return blocks
}

/** Each is read whole: what is logged can be read again, and nobody reads it otherwise. */
function ofCertificates(blocks: readonly Pick<PemBlock, 'der' | 'pem'>[]): CanonicalKey {
  const certificates = blocks.map(({ der }) => parseCertificate(der))
  const [leaf] = certificates
  if (leaf === undefined) throw new Error('a chain has a leaf')
  const pem = blocks.map(({ pem }) => pem).join('')
  return canonical(leaf.publicKey, pem, certificates, identityIn(leaf))
}

function canonical(
  publicKey: PublicKey,
  pem: string,
  certificates: readonly Certificate[],
  identity: CertificateIdentity,
): CanonicalKey {
  return { publicKey, pem, hash: sha256Hex(pem), certificates, identity }
}
