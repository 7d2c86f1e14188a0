/** Public keys and certificates in the one form under which the log stores and finds them. */
import {
  asBuffer,
  CryptoError,
  encodePem,
  type PemBlock,
  type PublicKey,
  parsePemBlock,
  parsePemBlocks,
  parsePublicKey,
  sha256Hex,
  toBase64,
} from '@sigstack/crypto'
import {
  certificateSpki,
  certificateSubjects,
  parseCertificate,
  verifyChain,
  X509Error,
} from '@sigstack/x509'
import { EntryError } from '../errors.ts'

export type CanonicalKey = {
  /** Of a certificate or chain: the leaf's. */
  readonly publicKey: PublicKey
  /** PEM without headers, 64 columns, LF, final LF; a chain is the concatenation, leaf first. */
  readonly pem: string
  /** Hex SHA-256 of `pem`. */
  readonly hash: string
  /** Names in the certificate, of a chain in its leaf; none for a plain key. */
  readonly subjects: readonly string[]
  /** DER certificates, leaf first, where more than one was sent. */
  readonly chain: readonly Uint8Array[]
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
      throw new EntryError('bad_public_key', `invalid public key: cannot handle type ${block.type}`)
    return canonical(parsePublicKey(block.der), encodePem('PUBLIC KEY', block.der), [], [])
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

/**
 * Checks a chain that was sent as key: each certificate signed by the next, the last one trusted as it is, all valid when
 * the leaf began to be. Says nothing about who they are: the log proves existence, not trust.
 */
export async function verifyCanonicalChain({ chain }: CanonicalKey): Promise<void> {
  if (chain.length < 2) return
  try {
    const certificates = chain.map(parseCertificate)
    const [leaf] = certificates
    if (leaf === undefined) return
    await verifyChain(certificates, { roots: certificates.slice(-1), at: leaf.notBefore })
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

function ofCertificates(blocks: readonly PemBlock[]): CanonicalKey {
  const chain = blocks.map(({ der }) => der)
  const [leaf, ...issuers] = chain
  if (leaf === undefined) throw new Error('a chain has a leaf')
  for (const issuer of issuers) certificateSpki(issuer)
  const pem = chain.map((der) => encodePem('CERTIFICATE', der)).join('')
  return canonical(parsePublicKey(certificateSpki(leaf)), pem, certificateSubjects(leaf), chain)
}

function canonical(
  publicKey: PublicKey,
  pem: string,
  subjects: readonly string[],
  chain: readonly Uint8Array[],
): CanonicalKey {
  return { publicKey, pem, hash: sha256Hex(pem), subjects, chain }
}
