/** Keys in Azure Key Vault and Managed HSM, over their REST interface: `azurekms://VAULT.vault.azure.net/KEY[/VERSION]`. */
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { derFromRawSignature, memberAt, type SignatureAlgorithm, toBase64 } from '@sigstack/crypto'
import { SignerError } from '../errors.ts'
import { textField } from '../remote/fields.ts'
import { askService, credentialComplaint, type JsonService } from '../remote/json-service.ts'
import { importOptional } from '../remote/optional-package.ts'
import type { ConnectKey, SigningRequest } from '../remote/remote-signer.ts'
import { originOf } from './origin.ts'

const apiVersion = '7.4'

/** By their names in JWS (RFC 7518). */
const algorithms: Readonly<Partial<Record<SignatureAlgorithm, string>>> = {
  'ecdsa-sha2-256-nistp256': 'ES256',
  'ecdsa-sha2-384-nistp384': 'ES384',
  'ecdsa-sha2-512-nistp521': 'ES512',
  'rsa-sign-pkcs1-2048-sha256': 'RS256',
  'rsa-sign-pkcs1-3072-sha256': 'RS256',
  'rsa-sign-pkcs1-4096-sha256': 'RS256',
}

type Credential = {
  getToken(
    scope: string,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<{ readonly token: string } | null>
}

/** Credentials are those of Azure's `DefaultAzureCredential`. */
export async function connectAzureKms(uri: string): Promise<ConnectKey> {
  const { origin, scope, path } = parseUri(uri)
  const { DefaultAzureCredential } = await importOptional(
    uri,
    '@azure/identity',
    () => import('@azure/identity'),
  )
  const credential: Credential = new DefaultAzureCredential()
  const service: JsonService = {
    uri,
    name: 'Azure Key Vault',
    reasonOf: (body) => textField(body, 'error', 'message'),
  }
  const ask = async (method: 'GET' | 'POST', keyPath: string, signal: AbortSignal, body?: unknown) => {
    const token = await tokenOf(uri, credential, scope, signal)
    const url = `${origin}/keys/${keyPath}?api-version=${apiVersion}`
    const headers = { authorization: `Bearer ${token}` }
    return askService(service, { method, url, headers, signal, ...(body !== undefined && { body }) }, [token])
  }
  return async (signal) => {
    const answer = await ask('GET', path, signal)
    // Without a version the newest is meant. This signer stays with the one it has shown.
    const pinned = `${path.split('/')[0] ?? ''}/${versionOf(uri, textField(answer, 'key', 'kid'))}`
    return {
      spki: publicKeyOf(uri, memberAt(answer, 'key')),
      sign: async (request, signal) =>
        signatureOf(uri, request, await ask('POST', `${pinned}/sign`, signal, bodyOf(uri, request))),
    }
  }
}

function parseUri(uri: string): { origin: string; scope: string; path: string } {
  const [, host = '', path = ''] =
    /^azurekms:\/\/([a-z0-9.:-]+)\/([0-9a-z-]+(?:\/[0-9a-f]+)?)$/i.exec(uri) ?? []
  if (path === '')
    throw new SignerError(
      'bad_uri',
      `${uri} names no key; a key in Azure Key Vault is named like azurekms://VAULT.vault.azure.net/KEY/VERSION`,
    )
  const origin = originOf(host)
  // Tokens are for the cloud that the vault is in: vault.azure.net, managedhsm.azure.net, vault.azure.cn, …
  const audience = origin.startsWith('https:')
    ? host.replace(/^[^.]+\./, '').replace(/:\d+$/, '')
    : 'vault.azure.net'
  return { origin, scope: `https://${audience}/.default`, path }
}

async function tokenOf(
  uri: string,
  credential: Credential,
  scope: string,
  abortSignal: AbortSignal,
): Promise<string> {
  try {
    const token = await credential.getToken(scope, { abortSignal })
    if (token !== null) return token.token
  } catch (cause) {
    const advice =
      'set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or give the workload an identity'
    throw credentialComplaint(uri, 'Azure', advice, cause)
  }
  throw new SignerError('no_credentials', `${uri}: Azure gave no access token`)
}

/** Only the last part of the key's ID counts: requests go where the URI says, not where an answer says. */
function versionOf(uri: string, keyId: string | undefined): string {
  const version = keyId?.split('/').at(-1) ?? ''
  if (!/^[0-9a-f]{1,64}$/i.test(version))
    throw new SignerError('refused', `${uri}: Azure Key Vault does not say which version of the key it is`)
  return version
}

function publicKeyOf(uri: string, key: unknown): Uint8Array {
  const text = (name: string): string | undefined => textField(key, name)
  const kty = (text('kty') ?? '').replace(/-HSM$/, '')
  const operations = memberAt(key, 'key_ops')
  if (Array.isArray(operations) && !operations.includes('sign'))
    throw new SignerError(
      'unsupported_key',
      `${uri} may not sign: its operations are ${operations.join(', ')}`,
    )
  const jwk: JsonWebKey =
    kty === 'EC'
      ? { kty, crv: text('crv') ?? '', x: text('x') ?? '', y: text('y') ?? '' }
      : { kty, n: text('n') ?? '', e: text('e') ?? '' }
  try {
    return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' })
  } catch (cause) {
    throw new SignerError(
      'unsupported_key',
      `${uri} is a key of type ${kty || 'unknown'} that cannot be used`,
      {
        cause,
      },
    )
  }
}

function bodyOf(uri: string, { algorithm, digest }: SigningRequest): unknown {
  const alg = algorithms[algorithm]
  if (alg === undefined || digest === undefined)
    throw new SignerError('unsupported_key', `${uri}: Azure Key Vault does not sign with ${algorithm}`)
  return { alg, value: toBase64(digest).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '') }
}

/** JWS has ECDSA signatures as r‖s (RFC 7518 section 3.4). */
function signatureOf(uri: string, { algorithm }: SigningRequest, answer: unknown): Uint8Array {
  const value = Buffer.from(textField(answer, 'value') ?? '', 'base64url')
  const signature = algorithm.startsWith('ecdsa') ? derFromRawSignature(value) : value
  if (signature === undefined || signature.length === 0)
    throw new SignerError('bad_signature', `${uri}: the answer holds no signature`)
  return signature
}
