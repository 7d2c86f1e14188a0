/** Google Cloud KMS over REST, with its checksums, and the metadata server that gives tokens to workloads. */
import { crc32c } from '../../src/cloud/crc32c.ts'
import { makeKey, type StandInKey } from './keys.ts'
import { type Answer, type Asked, type StandIn, startStandIn } from './stand-in.ts'

export const gcpToken = 'ya29.token-of-the-stand-in'
export const gcpRing = 'projects/p/locations/europe-west3/keyRings/r/cryptoKeys'

const keys: Readonly<Record<string, readonly [algorithm: string, StandInKey]>> = {
  p256: ['EC_SIGN_P256_SHA256', makeKey('P-256')],
  p384: ['EC_SIGN_P384_SHA384', makeKey('P-384')],
  rsa: ['RSA_SIGN_PKCS1_2048_SHA256', makeKey('rsa')],
  ed25519: ['EC_SIGN_ED25519', makeKey('ed25519')],
  pss: ['RSA_SIGN_PSS_2048_SHA256', makeKey('rsa')],
}

export function startGcpKms(): Promise<StandIn> {
  return startStandIn({
    answer,
    refusal,
    isSigning: ({ path }) => path.endsWith(':asymmetricSign'),
    isCredential: ({ path }) => path.startsWith('/computeMetadata/'),
    foreignKey: makeKey('P-256'),
  })
}

function answer(asked: Asked, standIn: StandIn): Answer | undefined {
  const { path, headers, body } = asked
  const metadata = { 'metadata-flavor': 'Google' }
  if (path === '/computeMetadata/v1/project/project-id') return { status: 200, headers: metadata, body: 'p' }
  if (path.startsWith('/computeMetadata/v1/instance/service-accounts/default/token')) {
    return {
      status: 200,
      headers: metadata,
      body: { access_token: gcpToken, expires_in: 3600, token_type: 'Bearer' },
    }
  }
  if (headers.authorization !== `Bearer ${gcpToken}`) return refusal(401, 'who are you?')
  const [, name = '', operation = ''] =
    new RegExp(`^/v1/${gcpRing}/(\\w+)/cryptoKeyVersions/1(/publicKey|:asymmetricSign)$`).exec(path) ?? []
  const [algorithm, key] = keys[name] ?? []
  if (key === undefined) return undefined
  if (operation === '/publicKey')
    return { status: 200, body: { pem: key.pem, algorithm, pemCrc32c: String(crc32c(Buffer.from(key.pem))) } }
  const digest = body['digest'] as Record<string, string> | undefined
  const input = Buffer.from(
    String(name === 'ed25519' ? body['data'] : Object.values(digest ?? {})[0]),
    'base64',
  )
  const checksum = String(crc32c(input))
  const isFine = (body['digestCrc32c'] ?? body['dataCrc32c']) === checksum
  if (!isFine) return refusal(400, 'the checksum is wrong')
  if (digest !== undefined && Object.keys(digest)[0] !== (name === 'p384' ? 'sha384' : 'sha256'))
    return refusal(400, 'the hash is wrong')
  const signature = standIn.keyFor(key).sign(input)
  return {
    status: 200,
    body: {
      signature: signature.toString('base64'),
      signatureCrc32c: String(crc32c(signature)),
      ...(name === 'ed25519' ? { verifiedDataCrc32c: true } : { verifiedDigestCrc32c: true }),
    },
  }
}

function refusal(status: number, message: string): Answer {
  return { status, body: { error: { code: status, message, status: 'TROUBLE' } } }
}
