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

type Opened = { readonly host: Host; readonly found: FoundKey; readonly spki: Uint8Array }

/** `pin` is used where the URI names no pin-source. */
export async function connectPkcs11(uri: string, pin: string | undefined): Promise<ConnectKey> {
  const { modulePath, token, key, pinSource } = parsePkcs11Uri(uri)
  const tokenPin = pinSource === undefined ? pin : (await readSecretFile(pinSource)).replace(/\r?\n$/, '')
  let opened: Opened | undefined
  let opening: Promise<Opened> | undefined
  let refusal: SignerError | undefined

  /** Not bound to the time that one signature has: after a crash it may take longer, and is for all who wait. */
  const ready = (): Promise<Opened> => {
    if (opened?.host.isAlive() === true) return Promise.resolve(opened)
    opening ??= open().finally(() => {
      opening = undefined
    })
    return opening
  }

  async function open(): Promise<Opened> {
    if (refusal !== undefined) throw refusal
    const host = hostOf(modulePath)
    const request = { op: 'open', modulePath, token, key, pin: tokenPin } as const
    const found = await host.open(uri, request).catch((error: unknown) => {
      // A wrong PIN that is tried again and again locks the token.
      if (error instanceof SignerError && isAboutPin(error)) refusal = error
      throw error
    })
    const spki = spkiOf(found.publicKey)
    if (spki === undefined)
      throw new SignerError(
        'unsupported_key',
        `${uri} is a key of a type that cannot be used: ECDSA, RSA or Ed25519 is needed`,
      )
    if (opened !== undefined && !equalBytes(spki, opened.spki))
      throw new SignerError('unsupported_key', `${uri} is another key now than it was at the start`)
    opened = { host, found, spki }
    return opened
  }

  return async () => {
    const { spki } = await ready()
    return {
      spki,
      async sign(request, signal) {
        const { host, found } = await ready()
        const input = { op: 'sign', modulePath, key: found.key, ...inputOf(request) } as const
        return signatureOf(uri, request, await host.sign(uri, input, signal))
      },
    }
  }
}

function isAboutPin({ code }: SignerError): boolean {
  return code === 'wrong_password' || code === 'password_missing' || code === 'permission_denied'
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
