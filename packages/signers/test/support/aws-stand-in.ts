/** AWS KMS as its SDK sees it: JSON 1.1 (`X-Amz-Target: TrentService.…`), signed requests, GetPublicKey and Sign. */
import { makeKey, type StandInKey } from './keys.ts'
import { type Answer, type Asked, type StandIn, startStandIn } from './stand-in.ts'

const account = 'arn:aws:kms:eu-central-1:111122223333'

const keys = {
  'alias/p256': makeKey('P-256'),
  'alias/p384': makeKey('P-384'),
  'alias/p521': makeKey('P-521'),
  'alias/rsa': makeKey('rsa', 3072),
  'alias/ed25519': makeKey('ed25519'),
  'alias/secp256k1': makeKey('secp256k1'),
}
const agreement = 'alias/agreement'

const specs: Readonly<Record<string, string>> = {
  'alias/p256': 'ECDSA_SHA_256',
  'alias/p384': 'ECDSA_SHA_384',
  'alias/p521': 'ECDSA_SHA_512',
  'alias/rsa': 'RSASSA_PKCS1_V1_5_SHA_256',
  'alias/ed25519': 'ED25519_SHA_512',
}

const errorNames: Readonly<Record<number, string>> = {
  403: 'AccessDeniedException',
  404: 'NotFoundException',
  429: 'ThrottlingException',
  503: 'KMSInternalException',
}

export function startAwsKms(): Promise<StandIn> {
  return startStandIn({
    answer,
    refusal,
    isSigning: (asked) => operationOf(asked) === 'Sign',
    foreignKey: makeKey('P-256'),
  })
}

function operationOf({ headers }: Asked): string {
  return String(headers['x-amz-target'] ?? '').replace('TrentService.', '')
}

function answer(asked: Asked, standIn: StandIn): Answer | undefined {
  if (
    !/^AWS4-HMAC-SHA256 Credential=AKIATEST\/\d{8}\/eu-central-1\/kms\/aws4_request, /.test(
      asked.headers.authorization ?? '',
    )
  )
    return refusal(400, 'the request is not signed', 'IncompleteSignatureException')
  const { KeyId, Message, MessageType, SigningAlgorithm } = asked.body
  // Signatures are asked for by the ARN that GetPublicKey told.
  const alias = String(KeyId).replace(`${account}:key/`, 'alias/')
  if (alias === agreement)
    return {
      status: 200,
      body: {
        KeyId: `${account}:key/agreement`,
        KeyUsage: 'KEY_AGREEMENT',
        PublicKey: spkiOf(keys['alias/p256']),
      },
    }
  const key: StandInKey | undefined = keys[alias as keyof typeof keys]
  if (key === undefined) return undefined
  if (operationOf(asked) === 'GetPublicKey')
    return {
      status: 200,
      body: {
        KeyId: `${account}:key/${alias.replace('alias/', '')}`,
        KeyUsage: 'SIGN_VERIFY',
        PublicKey: spkiOf(key),
        SigningAlgorithms: [specs[alias]],
      },
    }
  const isFine =
    String(KeyId).startsWith('arn:') &&
    SigningAlgorithm === specs[alias] &&
    MessageType === (alias === 'alias/ed25519' ? 'RAW' : 'DIGEST')
  if (!isFine) return refusal(400, 'that does not fit', 'ValidationException')
  const signature = standIn.keyFor(key).sign(Buffer.from(String(Message), 'base64'))
  return { status: 200, body: { KeyId, SigningAlgorithm, Signature: signature.toString('base64') } }
}

function spkiOf({ publicKey }: StandInKey): string {
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
}

function refusal(status: number, message: string, name = errorNames[status]): Answer {
  return { status: status === 503 ? 500 : 400, body: { __type: name, message } }
}
