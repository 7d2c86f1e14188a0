/** Who verified an entry: the keys whose signatures held, and what their certificates say of them. */
import {
  asBuffer,
  encodePublicKeyPem,
  equalBytes,
  parsePublicKey,
  plainEcdsaSignature,
  sha256Hex,
} from '@sigstack/crypto'
import { type Certificate, certificateSubjects, fulcioIssuer } from '@sigstack/x509'
import type { Held } from './work.ts'

/** What is recorded, searched for, and decided by. It comes out of the verification itself, never out of a second reading. */
export type Verifier = {
  /** Hex SHA-256 of the key as the body holds it, or where it holds none, of the PEM of the key or certificate. */
  readonly keyHash: string
  /** DER SubjectPublicKeyInfo. Stored bodies do not tell which key of an OpenPGP ring it was. */
  readonly spki?: Uint8Array
  /** Of an OpenPGP key and the subkey that signed, lower-case hex. */
  readonly fingerprints?: readonly string[]
  /** DER certificates, leaf first; none for a plain key. */
  readonly chain: readonly Uint8Array[]
  /** Those of this key that held when the entry was verified, as they were sent. */
  readonly signatures?: readonly Uint8Array[]
} & CertificateIdentity

/** What the leaf certificate says, whoever made it. */
export type CertificateIdentity = {
  readonly subjects: readonly string[]
  /** Who issued the identity token, from Fulcio's extension 8 or 1. */
  readonly tokenIssuer?: string
  /** Hex, lower case, without leading zeros. */
  readonly serialNumber?: string
}

/** Throws an X509Error where a name or the issuer cannot be read. */
export function identityIn(certificate: Certificate): CertificateIdentity {
  const tokenIssuer = fulcioIssuer(certificate)
  return {
    subjects: certificateSubjects(certificate),
    serialNumber: withoutZeros(asBuffer(certificate.serialNumber).toString('hex')),
    ...(tokenIssuer !== undefined && { tokenIssuer }),
  }
}

/** As certificates print it, with or without colons and leading zeros. */
export function normalSerial(hex: string): string {
  return withoutZeros(hex.replaceAll(':', '').toLowerCase())
}

function withoutZeros(hex: string): string {
  return hex.startsWith('0') ? hex.replace(/^0+(?=.)/, '') : hex
}

/**
 * Every name that this key goes by, lower-case hex: SHA-256 of the form in the body, of the SubjectPublicKeyInfo and of its PEM,
 * and OpenPGP fingerprints. So a key is the same key in a certificate that its holder made, or in another kind of entry.
 */
export function keyNamesOf({ keyHash, spki, fingerprints = [] }: Verifier): readonly string[] {
  const plain = spki === undefined ? [] : [sha256Hex(spki), sha256Hex(encodePublicKeyPem({ spki }))]
  return [keyHash, ...fingerprints, ...plain]
}

export function withSignatures(verifier: Verifier, held: readonly Held[]): Verifier {
  const own = held.filter(({ spki }) => isSame(spki, verifier.spki))
  return { ...verifier, signatures: own.map(({ signature }) => signature) }
}

/** The signatures, each in the one form of all that anybody could make of it. */
export function plainSignaturesOf({ spki, signatures = [] }: Verifier): readonly Uint8Array[] {
  const key = spki === undefined ? undefined : parsePublicKey(spki)
  return key?.type === 'ecdsa' ? signatures.map((bytes) => plainEcdsaSignature(key.curve, bytes)) : signatures
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one === other || equalBytes(one, other)
}
