/** What signs: a key, and where it has one the certificate that says whose it is. */
import { createSign, type KeyObject, sign } from 'node:crypto'
import {
  createEd25519phSigner,
  createSigner,
  encodePem,
  encodePublicKeyPem,
  generateSigningKey,
  type PublicKey,
  type Signer,
  signatureAlgorithms,
  utf8,
} from '@sigstack/crypto'
import type { Exchange } from './services/ask-service.ts'
import { type CertificateChain, requestCertificate } from './services/certificate-authority.ts'
import { explained } from './services/explain-refusal.ts'
import { subjectOfToken } from './tokens/identity-token.ts'

export type RunningSignature = {
  update(part: Uint8Array): void
  end(): Promise<Uint8Array>
}

/**
 * Keys that are at hand sign what goes by, so that a file of any size needs no memory; the others are shown
 * all of it.
 */
export type SigningKey = Signer & {
  readonly begin?: () => RunningSignature
  /** The same key for logs of digests, where `algorithm` would have them see the whole (Ed25519). */
  readonly prehashed?: SigningKey
  /**
   * Over SHA-256 whatever the curve: Rekor v1 and cosign check envelopes by no other hash. Default: `sign`.
   */
  readonly signEnvelope?: (encoded: Uint8Array) => Promise<Uint8Array>
}

export type Credential = {
  readonly key: SigningKey
  /** Asked for once, after the key has signed; absent for a key that its verifiers know. */
  readonly certificate?: () => Promise<CertificateChain>
}

export function localSigningKey(privateKey: KeyObject): SigningKey {
  const signer = createSigner(privateKey)
  const { hash } = signatureAlgorithms[signer.algorithm]
  if (hash === undefined) return { ...signer, prehashed: createEd25519phSigner(privateKey) }
  const begin = (): RunningSignature => {
    const running = createSign(hash)
    return {
      update: (part) => void running.update(part),
      end: async () => running.sign(privateKey),
    }
  }
  return {
    ...signer,
    begin,
    signEnvelope: async (encoded) => sign('sha256', encoded, privateKey),
  }
}

export type KeylessOptions = {
  readonly identityToken: string
  readonly caUrl: string
  readonly exchange: Exchange
  readonly onProgress?: ((step: string) => void) | undefined
  /** Default: a fresh one. */
  readonly key?: SigningKey
}

/** A key, which is certified for the token's holder when the first signature is there. */
export function keylessCredential({
  key: given,
  identityToken,
  caUrl,
  exchange,
  onProgress,
}: KeylessOptions): Credential {
  const key = given ?? localSigningKey(generateSigningKey())
  const certify = async (): Promise<CertificateChain> => {
    onProgress?.(`Getting a certificate for ${given === undefined ? 'a fresh' : 'the'} key...`)
    const proofOfPossession = await key.sign(utf8(subjectOfToken(identityToken)))
    const request = { identityToken, publicKeyPem: encodePublicKeyPem(key.publicKey), proofOfPossession }
    return explained('The certificate authority', caUrl, requestCertificate(caUrl, request, exchange))
  }
  let certified: Promise<CertificateChain> | undefined
  return {
    key,
    certificate: () => {
      certified ??= certify()
      return certified
    },
  }
}

/** What verifies: the certificate where there is one, else the key. */
export type Verifier = {
  readonly publicKey: PublicKey
  /** DER. */
  readonly certificate?: Uint8Array
}

export function verifierPemOf({ publicKey, certificate }: Verifier): string {
  return certificate === undefined ? encodePublicKeyPem(publicKey) : encodePem('CERTIFICATE', certificate)
}
