/** Keys in PKCS #11 tokens: hardware modules, smart cards, SoftHSM. */
import { derFromRawSignature, equalBytes } from '@sigstack/crypto'
import { SignerError } from '../errors.ts'
import type { ConnectKey, SigningRequest } from '../remote/remote-signer.ts'
import { readSecretFile } from '../secret-file.ts'
import { ckm } from './constants.ts'
import { type Host, hostOf } from './host-process.ts'
import type { FoundKey } from './protocol.ts'
import { spkiOf } from './spki.ts'
import { parsePkcs11Uri } from './uri.ts'

/** DER of DigestInfo up to a SHA-256 digest (RFC 8017 section 9.2, note 1). */
const sha256DigestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex')

/** `pin` is used where the URI names no pin-source. Read once: a wrong PIN that is tried again and again locks the token. */
export async function connectPkcs11(uri: string, pin: string | undefined): Promise<ConnectKey> {
  const { modulePath, token, key, pinSource } = parsePkcs11Uri(uri)
  const tokenPin = pinSource === undefined ? pin : (await readSecretFile(pinSource)).replace(/\r?\n$/, '')
  const find = async (host: Host, signal: AbortSignal): Promise<{ found: FoundKey; spki: Uint8Array }> => {
    const found = await host.open(uri, { op: 'open', modulePath, token, key, pin: tokenPin }, signal)
    const spki = spkiOf(found.publicKey)
    if (spki === undefined)
      throw new SignerError(
        'unsupported_key',
        `${uri} is a key of a type that cannot be used: ECDSA, RSA or Ed25519 is needed`,
      )
    return { found, spki }
  }
  return async (signal) => {
    let host = hostOf(modulePath)
    let { found, spki } = await find(host, signal)
    return {
      spki,
      async sign(request, signal) {
        const current = hostOf(modulePath)
        if (current !== host) {
          const again = await find(current, signal)
          if (!equalBytes(again.spki, spki))
            throw new SignerError('unsupported_key', `${uri} is another key now than it was at the start`)
          host = current
          found = again.found
        }
        const signature = await current.sign(
          uri,
          { op: 'sign', modulePath, key: found.key, ...inputOf(request) },
          signal,
        )
        return signatureOf(uri, request, signature)
      },
    }
  }
}

function inputOf({ algorithm, message, digest }: SigningRequest): { mechanism: number; data: Uint8Array } {
  if (digest === undefined) return { mechanism: ckm.eddsa, data: message }
  if (algorithm.startsWith('rsa'))
    return { mechanism: ckm.rsaPkcs, data: Buffer.concat([sha256DigestInfo, digest]) }
  return { mechanism: ckm.ecdsa, data: digest }
}

/** Tokens give r‖s. */
function signatureOf(uri: string, { algorithm }: SigningRequest, signature: Uint8Array): Uint8Array {
  if (!algorithm.startsWith('ecdsa')) return signature
  const encoded = derFromRawSignature(signature)
  if (encoded === undefined)
    throw new SignerError('bad_signature', `${uri} gave something that is no ECDSA signature`)
  return encoded
}
