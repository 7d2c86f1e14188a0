/** Azure Key Vault over REST, and the endpoint from which App Service gives tokens to its workloads. */
import { makeKey, type StandInKey } from './keys.ts'
import { type Answer, type Asked, type StandIn, startStandIn } from './stand-in.ts'

export const azureToken = 'eyJ.token-of-the-stand-in'
export const azureIdentityHeader = 'header-of-the-stand-in'

const version = '0123456789abcdef0123456789abcdef'
const keys: Readonly<Record<string, readonly [algorithm: string, StandInKey]>> = {
  p256: ['ES256', makeKey('P-256')],
  p384: ['ES384', makeKey('P-384')],
  p521: ['ES512', makeKey('P-521')],
  rsa: ['RS256', makeKey('rsa')],
  secp256k1: ['ES256K', makeKey('secp256k1')],
  wrapping: ['RS256', makeKey('rsa')],
}

export function startAzureKeyVault(): Promise<StandIn> {
  return startStandIn({
    answer,
    refusal,
    isSigning: ({ path }) => path.includes('/sign?'),
    isCredential: ({ path }) => path.startsWith('/identity'),
    foreignKey: makeKey('P-256'),
  })
}

function answer(asked: Asked, standIn: StandIn): Answer | undefined {
  const { path, headers, body } = asked
  if (path.startsWith('/identity')) return tokenFor(asked)
  if (headers.authorization !== `Bearer ${azureToken}`) return refusal(401, 'who are you?')
  const [, name = '', given, signing] =
    /^\/keys\/(\w+)(?:\/([0-9a-f]+))?(\/sign)?\?api-version=7\.4$/.exec(path) ?? []
  const [algorithm, key] = keys[name] ?? []
  if (key === undefined || (given !== undefined && given !== version)) return undefined
  const kid = `https://vault.example/keys/${name}/${version}`
  if (signing === undefined) {
    const jwk = key.publicKey.export({ format: 'jwk' })
    const crv = name === 'secp256k1' ? { crv: 'P-256K' } : {}
    const operations = name === 'wrapping' ? ['wrapKey', 'unwrapKey'] : ['sign', 'verify']
    return {
      status: 200,
      body: {
        key: { kid, ...jwk, ...crv, kty: `${jwk.kty ?? ''}-HSM`, key_ops: operations },
        attributes: { enabled: true },
      },
    }
  }
  const value = String(body['value'])
  if (given !== version || body['alg'] !== algorithm || /[+/=]/.test(value))
    return refusal(400, 'that does not fit')
  const signature = standIn.keyFor(key).sign(Buffer.from(value, 'base64url'), 'raw')
  return { status: 200, body: { kid, value: signature.toString('base64url') } }
}

function tokenFor({ path, headers }: Asked): Answer {
  const resource = new URL(path, 'http://stand.in').searchParams.get('resource')
  if (headers['x-identity-header'] !== azureIdentityHeader || resource !== 'https://vault.azure.net')
    return { status: 400, body: { error: 'invalid_request' } }
  const inAnHour = String(Math.floor(Date.now() / 1000) + 3600)
  return {
    status: 200,
    body: { access_token: azureToken, expires_on: inAnHour, resource, token_type: 'Bearer' },
  }
}

function refusal(status: number, message: string): Answer {
  return { status, body: { error: { code: 'Trouble', message } } }
}
