/**
 * Keys in the transit engine of HashiCorp Vault or OpenBao: `hashivault://KEY[?version=N]`. Where Vault is, and who we are, is in
 * the variables of Vault's own tools.
 */
import { memberAt, parsePublicKey, parsePublicKeyPem, toBase64, withoutEnd } from '@sigstack/crypto'
import type { Environment } from '../environment.ts'
import { SignerError } from '../errors.ts'
import { signatureField, textField } from '../remote/fields.ts'
import { askService, type JsonService } from '../remote/json-service.ts'
import type { ConnectKey, SigningRequest } from '../remote/remote-signer.ts'
import { createVaultToken } from './vault-token.ts'

/** DER of SubjectPublicKeyInfo around an Ed25519 key (RFC 8410 section 4). */
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex')

const hashNames = { sha256: 'sha2-256', sha384: 'sha2-384', sha512: 'sha2-512' } as const

export function connectVault(uri: string, environment: Environment): ConnectKey {
  const { key, version } = parseUri(uri)
  const address = addressOf(uri, environment)
  const mount = environment['TRANSIT_SECRET_ENGINE_PATH'] ?? 'transit'
  const namespace = environment['VAULT_NAMESPACE']
  const service: JsonService = { uri, name: 'Vault', reasonOf }
  const headers = {
    'x-vault-request': 'true',
    ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
  }
  const token = createVaultToken({ uri, address, environment, service, headers })

  const ask = (path: string, signal: AbortSignal, body?: unknown): Promise<unknown> =>
    token.use(signal, (value) =>
      askService(
        service,
        {
          method: body === undefined ? 'GET' : 'POST',
          url: `${address}/v1/${mount}/${path}`,
          headers: { ...headers, 'x-vault-token': value },
          signal,
          ...(body !== undefined && { body }),
        },
        [value],
      ),
    )

  return async (signal) => {
    const answer = await ask(`keys/${key}`, signal)
    // A rotation in Vault must not change the key under a chain or a log: this signer stays with one version.
    const pinned = version ?? String(memberAt(answer, 'data', 'latest_version'))
    const spki = publicKeyOf(uri, answer, pinned)
    return {
      spki,
      sign: async (request, signal) =>
        signatureOf(uri, await ask(`sign/${key}`, signal, bodyOf(request, Number(pinned)))),
    }
  }
}

function parseUri(uri: string): { key: string; version: string | undefined } {
  const [, key = '', version] = /^hashivault:\/\/([\w.-]+)(?:\?version=(\d{1,9}))?$/i.exec(uri) ?? []
  if (key === '')
    throw new SignerError(
      'bad_uri',
      `${uri} names no key; a key in Vault's transit engine is named like hashivault://KEY?version=1`,
    )
  return { key, version }
}

function addressOf(uri: string, environment: Environment): string {
  const address = environment['VAULT_ADDR'] ?? ''
  const url = URL.parse(address)
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new SignerError(
      'bad_uri',
      `${uri}: set VAULT_ADDR to the address of Vault, like https://vault.example:8200`,
    )
  return withoutEnd(address, '/')
}

function reasonOf(body: unknown): string | undefined {
  const errors = memberAt(body, 'errors')
  return Array.isArray(errors) ? errors.filter((each) => typeof each === 'string').join('; ') : undefined
}

function publicKeyOf(uri: string, answer: unknown, version: string): Uint8Array {
  const type = textField(answer, 'data', 'type') ?? 'unknown'
  const publicKey = textField(answer, 'data', 'keys', version, 'public_key')
  if (publicKey === undefined) {
    const asymmetric = memberAt(answer, 'data', 'supports_signing') !== false
    throw asymmetric
      ? new SignerError('no_such_key', `${uri} has no version ${version} with a public key`)
      : new SignerError('unsupported_key', `${uri} is a key of type ${type}, which does not sign`)
  }
  if (type === 'ed25519')
    return parsePublicKey(Buffer.concat([ed25519Prefix, Buffer.from(publicKey, 'base64')])).spki
  return parsePublicKeyPem(publicKey).spki
}

function bodyOf({ algorithm, message, digest }: SigningRequest, keyVersion: number): unknown {
  if (digest === undefined) return { input: toBase64(message), key_version: keyVersion }
  const hash = digest.length === 32 ? 'sha256' : digest.length === 48 ? 'sha384' : 'sha512'
  return {
    input: toBase64(digest),
    prehashed: true,
    hash_algorithm: hashNames[hash],
    marshaling_algorithm: 'asn1',
    ...(algorithm.startsWith('rsa') && { signature_algorithm: 'pkcs1v15' }),
    key_version: keyVersion,
  }
}

/** `vault:vN:BASE64`. */
function signatureOf(uri: string, answer: unknown): Uint8Array {
  return signatureField(uri, textField(answer, 'data', 'signature')?.split(':')[2])
}
