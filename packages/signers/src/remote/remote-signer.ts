/** The one way in which every key outside this process becomes a {@link Signer}: bounded, tried again where that is safe, checked. */
import {
  CryptoError,
  digest,
  type PublicKey,
  parsePublicKey,
  type SignatureAlgorithm,
  type Signer,
  signatureAlgorithms,
  signingAlgorithm,
  utf8,
  verifySignature,
} from '@sigstack/crypto'
import { SignerError } from '../errors.ts'
import { persistently } from './persistence.ts'

/** One signature that a key is asked for. */
export type SigningRequest = {
  readonly algorithm: SignatureAlgorithm
  readonly message: Uint8Array
  /** Of `message`, by the hash of `algorithm`; undefined for Ed25519, which hashes by itself. */
  readonly digest: Uint8Array | undefined
}

export type RemoteKey = {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** ECDSA signatures are DER. Throws {@link SignerError}; `signal` ends what takes too long. */
  sign(request: SigningRequest, signal: AbortSignal): Promise<Uint8Array>
}

/** Looks the key up. Asks for no signature. */
export type ConnectKey = (signal: AbortSignal) => Promise<RemoteKey>

/** For one signature, all tries together: the CA makes two for a certificate, and clients give up after five seconds. */
const defaultTimeoutMs = 2_000
/** At the least: at the start nobody waits for us, and credentials may be far away. */
const openTimeoutMs = 15_000

/**
 * Looks the key up and has it sign once, so that a missing permission is found now and not at the first request. Signing
 * settles within `timeoutMs`, and what comes back verifies with `publicKey`. Throws {@link SignerError}.
 */
export async function openRemoteSigner(
  uri: string,
  connect: ConnectKey,
  timeoutMs: number = defaultTimeoutMs,
): Promise<Signer> {
  const openMs = Math.max(openTimeoutMs, timeoutMs)
  const key = await persistently(uri, openMs, connect)
  const publicKey = publicKeyOf(uri, key.spki)
  const algorithm = algorithmOf(uri, publicKey)
  const { hash } = signatureAlgorithms[algorithm]
  const signWithin = async (limitMs: number, message: Uint8Array): Promise<Uint8Array> => {
    const request = { algorithm, message, digest: hash && digest(hash, message) }
    // Safe to repeat: a signature changes nothing at the other end, and two over the same bytes are as good as one.
    const signature = await persistently(uri, limitMs, (signal) => key.sign(request, signal))
    if (!(await verifySignature(publicKey, hash, message, signature)))
      throw new SignerError('bad_signature', `${uri} gave a signature that its public key does not verify`)
    return signature
  }
  await signWithin(openMs, utf8('sigstack: does this key sign?'))
  return { publicKey, algorithm, sign: (message) => signWithin(timeoutMs, message) }
}

/** Looks the key up, and no more. Throws {@link SignerError}. */
export async function readRemotePublicKey(uri: string, connect: ConnectKey): Promise<PublicKey> {
  return publicKeyOf(uri, (await persistently(uri, openTimeoutMs, connect)).spki)
}

function publicKeyOf(uri: string, spki: Uint8Array): PublicKey {
  try {
    return parsePublicKey(spki)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new SignerError('unsupported_key', `${uri} is not a key for signing: ${cause.message}`, { cause })
  }
}

function algorithmOf(uri: string, key: PublicKey): SignatureAlgorithm {
  try {
    return signingAlgorithm(key)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new SignerError('unsupported_key', `${uri} cannot be used for signing: ${cause.message}`, { cause })
  }
}
