/** The two forms of a request for a certificate. */
import { sign } from 'node:crypto'
import type { Request } from '../exchange.ts'
import type { ClientKey } from './keys.ts'

const json = { 'content-type': 'application/json' }

export type RequestParts = {
  readonly token: string
  /** PEM, or whatever stands for it. */
  readonly publicKey: string
  readonly proof: Uint8Array
  readonly algorithm?: string
}

export function v2Request({ token, publicKey, proof, algorithm = 'ECDSA' }: RequestParts): Request {
  return v2Body({
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: { publicKey: { algorithm, content: publicKey }, proofOfPossession: base64(proof) },
  })
}

export function v2Body(body: unknown, headers: Readonly<Record<string, string>> = {}): Request {
  return {
    method: 'POST',
    path: '/api/v2/signingCert',
    headers: { ...json, ...headers },
    body: JSON.stringify(body),
  }
}

/** `publicKey` is PEM or DER. */
export function v1Request(parts: {
  readonly token: string
  readonly publicKey: string | Uint8Array
  readonly proof: Uint8Array
}): Request {
  const { token, publicKey, proof } = parts
  return v1Body(
    {
      publicKey: { algorithm: 'ecdsa', content: base64(publicKey) },
      signedEmailAddress: base64(proof),
      certificateSigningRequest: null,
    },
    token,
  )
}

export function v1Body(body: unknown, token: string): Request {
  return {
    method: 'POST',
    path: '/api/v1/signingCert',
    headers: { ...json, authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  }
}

/** The proof a client makes for its kind of key. */
export function prove(key: ClientKey, name: string): Buffer {
  const { asymmetricKeyType, asymmetricKeyDetails } = key.privateKey
  const hash =
    asymmetricKeyType === 'ed25519' || asymmetricKeyType === 'ed448'
      ? null
      : asymmetricKeyDetails?.namedCurve === 'secp384r1'
        ? 'sha384'
        : asymmetricKeyDetails?.namedCurve === 'secp521r1'
          ? 'sha512'
          : 'sha256'
  return sign(hash, Buffer.from(name), key.privateKey)
}

export function base64(bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
