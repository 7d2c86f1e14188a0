/**
 * Keys in Google Cloud KMS, over its REST interface:
 * `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V`.
 */
import {
  type HashAlgorithm,
  parsePublicKeyPem,
  type SignatureAlgorithm,
  toBase64,
  utf8,
  withoutEnd,
} from '@sigstack/crypto'
import type { GoogleAuth } from 'google-auth-library'
import type { Environment } from '../environment.ts'
import { SignerError } from '../errors.ts'
import { signatureField, textField } from '../remote/fields.ts'
import { askService, credentialComplaint, type JsonService } from '../remote/json-service.ts'
import { importOptional } from '../remote/optional-package.ts'
import type { ConnectKey, SigningRequest } from '../remote/remote-signer.ts'
import { crc32c } from './crc32c.ts'

const scope = 'https://www.googleapis.com/auth/cloudkms'

/** Versions of keys by the one algorithm that each of them has. */
const algorithms: Readonly<Record<string, SignatureAlgorithm>> = {
  EC_SIGN_P256_SHA256: 'ecdsa-sha2-256-nistp256',
  EC_SIGN_P384_SHA384: 'ecdsa-sha2-384-nistp384',
  EC_SIGN_ED25519: 'ed25519',
  RSA_SIGN_PKCS1_2048_SHA256: 'rsa-sign-pkcs1-2048-sha256',
  RSA_SIGN_PKCS1_3072_SHA256: 'rsa-sign-pkcs1-3072-sha256',
  RSA_SIGN_PKCS1_4096_SHA256: 'rsa-sign-pkcs1-4096-sha256',
}

/** One for all keys of this process: it keeps the token, and looks for credentials in many places before it has one. */
let sharedAuth: GoogleAuth | undefined

/** Credentials are Google's application default credentials. */
export async function connectGcpKms(uri: string, environment: Environment): Promise<ConnectKey> {
  const name = parseUri(uri)
  const { GoogleAuth } = await importOptional(uri, 'google-auth-library', () => import('google-auth-library'))
  sharedAuth ??= new GoogleAuth({ scopes: [scope] })
  const auth = sharedAuth
  // The variable with which gcloud itself is pointed elsewhere.
  const origin = environment['CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS'] ?? 'https://cloudkms.googleapis.com'
  const url = `${withoutEnd(origin, '/')}/v1/${name}`
  const service: JsonService = {
    uri,
    name: 'Google Cloud KMS',
    reasonOf: (body) => textField(body, 'error', 'message'),
  }
  const ask = async (request: {
    method: 'GET' | 'POST'
    url: string
    body?: unknown
    signal: AbortSignal
  }) => {
    const token = await tokenOf(uri, auth)
    return askService(service, { ...request, headers: { authorization: `Bearer ${token}` } }, [token])
  }
  return async (signal) => {
    const answer = await ask({ method: 'GET', url: `${url}/publicKey`, signal })
    return {
      spki: publicKeyOf(uri, answer),
      sign: async (request, signal) =>
        signatureOf(
          uri,
          await ask({ method: 'POST', url: `${url}:asymmetricSign`, body: bodyOf(request), signal }),
        ),
    }
  }
}

function parseUri(uri: string): string {
  const [, key = '', version = ''] =
    /^gcpkms:\/\/(projects\/[^/?#]+\/locations\/[^/?#]+\/keyRings\/[^/?#]+\/cryptoKeys\/[^/?#]+)\/(?:cryptoKeyVersions|versions)\/(\d+)$/i.exec(
      uri,
    ) ?? []
  if (key === '')
    throw new SignerError(
      'bad_uri',
      `${uri} names no version of a key; it must be like gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1`,
    )
  return `${key}/cryptoKeyVersions/${version}`
}

async function tokenOf(uri: string, auth: GoogleAuth): Promise<string> {
  let token: string | null | undefined
  try {
    token = await auth.getAccessToken()
  } catch (cause) {
    const advice = 'set GOOGLE_APPLICATION_CREDENTIALS, or give the workload a service account'
    throw credentialComplaint(uri, 'Google', advice, cause)
  }
  if (typeof token !== 'string')
    throw new SignerError('no_credentials', `${uri}: Google gave no access token`)
  return token
}

function publicKeyOf(uri: string, answer: unknown): Uint8Array {
  const algorithm = textField(answer, 'algorithm') ?? 'no algorithm'
  if (algorithms[algorithm] === undefined)
    throw new SignerError(
      'unsupported_key',
      `${uri} signs with ${algorithm}; what can be used is ${Object.keys(algorithms).join(', ')}`,
    )
  const pem = textField(answer, 'pem') ?? ''
  if (textField(answer, 'pemCrc32c') !== String(crc32c(utf8(pem)))) throw damaged(uri, 'public key')
  return parsePublicKeyPem(pem).spki
}

function bodyOf({ algorithm, message, digest }: SigningRequest): unknown {
  if (digest === undefined) return { data: toBase64(message), dataCrc32c: String(crc32c(message)) }
  const hash: HashAlgorithm = algorithm === 'ecdsa-sha2-384-nistp384' ? 'sha384' : 'sha256'
  return { digest: { [hash]: toBase64(digest) }, digestCrc32c: String(crc32c(digest)) }
}

/** Google asks its callers to check both ways (its "data integrity guidelines"). */
function signatureOf(uri: string, answer: unknown): Uint8Array {
  const { verifiedDigestCrc32c, verifiedDataCrc32c } = answer as Readonly<Record<string, unknown>>
  if (verifiedDigestCrc32c !== true && verifiedDataCrc32c !== true) throw damaged(uri, 'digest')
  const signature = signatureField(uri, textField(answer, 'signature'))
  if (textField(answer, 'signatureCrc32c') !== String(crc32c(signature))) throw damaged(uri, 'signature')
  return signature
}

function damaged(uri: string, what: string): SignerError {
  return new SignerError('unreachable', `${uri}: the ${what} was damaged on its way; its checksum is wrong`)
}
