/** The two request messages (fulcio.proto, fulcio_legacy.proto), turned into what the domain asks for. */
import { utf8 } from '@sigstack/crypto'
import type { KeyApplication } from '../../issuance/requested-key.ts'
import { MessageError } from '../message-error.ts'
import { checkEnum, parseMessage, readBytes, readMember, readMessage, readText } from './proto-json.ts'

export type SigningRequest = {
  /** Empty where the body holds none. */
  readonly identityToken: string
  readonly key: KeyApplication
}

/** dev.sigstore.fulcio.v2.CreateSigningCertificateRequest. Throws a MessageError. */
export function parseSigningRequest(body: Uint8Array): SigningRequest {
  const message = parseMessage(body)
  const isSet = (name: string): boolean => readMember(message, name) !== undefined
  if (isSet('publicKeyRequest') && isSet('certificateSigningRequest'))
    throw new MessageError(
      'invalid request: publicKeyRequest and certificateSigningRequest exclude each other',
    )
  const credentials = readMessage(message, 'credentials') ?? {}
  const identityToken = readText(credentials, 'oidcIdentityToken')
  const pem = readBytes(message, 'certificateSigningRequest')
  if (pem.length > 0) return { identityToken, key: { kind: 'certificate_request', pem } }
  const keyRequest = readMessage(message, 'publicKeyRequest')
  if (keyRequest === undefined) return { identityToken, key: { kind: 'nothing' } }
  const publicKey = readMessage(keyRequest, 'publicKey') ?? {}
  // The key itself says what it is; what the requester says about it counts nowhere.
  checkEnum(publicKey, 'algorithm')
  const content = utf8(readText(publicKey, 'content'))
  return {
    identityToken,
    key: { kind: 'public_key', content, proof: readBytes(keyRequest, 'proofOfPossession') },
  }
}

/** dev.sigstore.fulcio.v1beta.CreateSigningCertificateRequest. Throws a MessageError. */
export function parseLegacySigningRequest(body: Uint8Array): KeyApplication {
  const message = parseMessage(body)
  const pem = readBytes(message, 'certificateSigningRequest')
  const publicKey = readMessage(message, 'publicKey')
  const proof = readBytes(message, 'signedEmailAddress')
  const content = publicKey === undefined ? undefined : readBytes(publicKey, 'content')
  if (publicKey !== undefined) readText(publicKey, 'algorithm')
  if (pem.length > 0) return { kind: 'certificate_request', pem }
  return content === undefined ? { kind: 'nothing' } : { kind: 'public_key', content, proof }
}

/** The token of an `Authorization` header: with the scheme Bearer in any case, or bare. */
export function tokenOfHeader(header: string | undefined): string {
  return (header ?? '').replace(/^bearer +/i, '').trim()
}
