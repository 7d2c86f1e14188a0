/** Keys in AWS KMS: `awskms://[ENDPOINT]/KEY`, where KEY is a key ID, its ARN, `alias/NAME` or the alias's ARN. */

import type * as Sdk from '@aws-sdk/client-kms'
import type { KMSClient, SigningAlgorithmSpec } from '@aws-sdk/client-kms'
import type { SignatureAlgorithm } from '@sigstack/crypto'
import { memberAt } from '@sigstack/crypto'
import { networkReason } from '@sigstack/http-client'
import { SignerError, type SignerErrorCode } from '../errors.ts'
import { withoutSecrets } from '../remote/json-service.ts'
import { importOptional } from '../remote/optional-package.ts'
import type { ConnectKey } from '../remote/remote-signer.ts'
import { originOf } from './origin.ts'

const signingAlgorithms: Readonly<Partial<Record<SignatureAlgorithm, SigningAlgorithmSpec>>> = {
  'ecdsa-sha2-256-nistp256': 'ECDSA_SHA_256',
  'ecdsa-sha2-384-nistp384': 'ECDSA_SHA_384',
  'ecdsa-sha2-512-nistp521': 'ECDSA_SHA_512',
  'rsa-sign-pkcs1-2048-sha256': 'RSASSA_PKCS1_V1_5_SHA_256',
  'rsa-sign-pkcs1-3072-sha256': 'RSASSA_PKCS1_V1_5_SHA_256',
  'rsa-sign-pkcs1-4096-sha256': 'RSASSA_PKCS1_V1_5_SHA_256',
  ed25519: 'ED25519_SHA_512',
}

/** Region and credentials come from where AWS's own tools look for them. */
export async function connectAwsKms(uri: string): Promise<ConnectKey> {
  const { endpoint, keyId, region } = parseUri(uri)
  const sdk = await importOptional(uri, '@aws-sdk/client-kms', () => import('@aws-sdk/client-kms'))
  const client = new sdk.KMSClient({
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    // Tries and their time limit are those of every other key.
    maxAttempts: 1,
  })
  return async (signal) => {
    const found = await ask(uri, () =>
      client.send(new sdk.GetPublicKeyCommand({ KeyId: keyId }), { abortSignal: signal }),
    )
    if (found.KeyUsage !== 'SIGN_VERIFY' || found.PublicKey === undefined)
      throw new SignerError(
        'unsupported_key',
        `${uri} is a key for ${found.KeyUsage ?? 'nothing'}, not for SIGN_VERIFY`,
      )
    // An alias may be pointed at another key at any time; this signer stays with the one it has shown.
    return { spki: found.PublicKey, sign: createSign(uri, sdk, client, found.KeyId ?? keyId) }
  }
}

function createSign(
  uri: string,
  sdk: typeof Sdk,
  client: KMSClient,
  keyId: string,
): Awaited<ReturnType<ConnectKey>>['sign'] {
  return async ({ algorithm, message, digest }, signal) => {
    const SigningAlgorithm = signingAlgorithms[algorithm]
    if (SigningAlgorithm === undefined)
      throw new SignerError('unsupported_key', `${uri}: AWS KMS does not sign with ${algorithm}`)
    const { Signature } = await ask(uri, () =>
      client.send(
        new sdk.SignCommand({
          KeyId: keyId,
          SigningAlgorithm,
          Message: digest ?? message,
          MessageType: digest === undefined ? 'RAW' : 'DIGEST',
        }),
        { abortSignal: signal },
      ),
    )
    if (Signature === undefined)
      throw new SignerError('bad_signature', `${uri}: the answer holds no signature`)
    return Signature
  }
}

function parseUri(uri: string): { endpoint?: string; keyId: string; region?: string } {
  const [, host = '', keyId = ''] = /^awskms:\/\/([^/?#@]*)\/([^?#]+)$/i.exec(uri) ?? []
  if (keyId === '')
    throw new SignerError(
      'bad_uri',
      `${uri} names no key; a key in AWS KMS is named like awskms:///arn:aws:kms:REGION:ACCOUNT:key/ID or awskms:///alias/NAME`,
    )
  const region = /^arn:[^:]+:kms:([^:]+):/.exec(keyId)?.[1]
  return {
    keyId,
    ...(host !== '' && { endpoint: originOf(host) }),
    ...(region !== undefined && { region }),
  }
}

const codes: Readonly<Record<string, SignerErrorCode>> = {
  NotFoundException: 'no_such_key',
  AccessDeniedException: 'permission_denied',
  UnrecognizedClientException: 'permission_denied',
  InvalidSignatureException: 'permission_denied',
  InvalidClientTokenId: 'permission_denied',
  ExpiredTokenException: 'permission_denied',
  IncompleteSignatureException: 'permission_denied',
  MissingAuthenticationTokenException: 'permission_denied',
  CredentialsProviderError: 'no_credentials',
  InvalidKeyUsageException: 'unsupported_key',
  UnsupportedOperationException: 'unsupported_key',
  ThrottlingException: 'busy',
  LimitExceededException: 'busy',
  KMSInternalException: 'unreachable',
  DependencyTimeoutException: 'unreachable',
  KeyUnavailableException: 'unreachable',
}

async function ask<T>(uri: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request()
  } catch (cause) {
    throw complaintOf(uri, cause)
  }
}

function complaintOf(uri: string, cause: unknown): SignerError {
  const say = (code: SignerErrorCode, what: string): SignerError =>
    new SignerError(code, `${uri}: ${what}`, { cause })
  if (!(cause instanceof Error)) return say('refused', 'AWS KMS failed')
  if (/region is missing/i.test(cause.message))
    return say('no_credentials', 'the region is not known; set AWS_REGION, or name the key by its ARN')
  const code = codes[cause.name]
  const status = statusOf(cause)
  if (code === undefined && status === undefined)
    return say('unreachable', `AWS KMS cannot be reached: ${withoutSecrets(networkReason(cause), [])}`)
  const byStatus = status !== undefined && status >= 500 ? 'unreachable' : 'refused'
  return say(code ?? byStatus, `AWS KMS answers ${cause.name}: ${withoutSecrets(cause.message, [])}`)
}

/** Undefined where there was no answer. */
function statusOf(error: Error): number | undefined {
  const status = memberAt(error, '$metadata', 'httpStatusCode')
  return typeof status === 'number' ? status : undefined
}
