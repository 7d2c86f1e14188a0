/** Vault's transit engine, and its logins by AppRole and by Kubernetes service account. */
import { makeKey, type StandInKey } from './keys.ts'
import { type Answer, type Asked, type StandIn, startStandIn } from './stand-in.ts'

export const vaultRootToken = 'hvs.token-of-the-stand-in'
export const vaultSecretId = 'secret-id-of-the-stand-in'
export const vaultJwt = 'jwt-of-the-stand-in'

const keys: Readonly<Record<string, readonly [type: string, hash: string | undefined, StandInKey]>> = {
  p256: ['ecdsa-p256', 'sha2-256', makeKey('P-256')],
  p384: ['ecdsa-p384', 'sha2-384', makeKey('P-384')],
  p521: ['ecdsa-p521', 'sha2-512', makeKey('P-521')],
  rsa: ['rsa-2048', 'sha2-256', makeKey('rsa')],
  ed25519: ['ed25519', undefined, makeKey('ed25519')],
}

export type VaultStandIn = StandIn & {
  /** Ends every token that a login gave. */
  revoke(): void
  logins(): number
}

export async function startVault(mount = 'transit'): Promise<VaultStandIn> {
  let logins = 0
  let oldest = 1
  const standIn = await startStandIn({
    answer: (asked, standIn) => {
      if (asked.path.startsWith('/v1/auth/')) return logIn(asked)
      const token = String(asked.headers['x-vault-token'] ?? '')
      const [, login] = /^hvs\.login-(\d+)$/.exec(token) ?? []
      const isKnown = token === vaultRootToken || (login !== undefined && Number(login) >= oldest)
      return isKnown ? transit(asked, standIn, mount) : refusal(403, 'permission denied')
    },
    refusal,
    isSigning: ({ path }) => path.startsWith(`/v1/${mount}/sign/`),
    isCredential: ({ path }) => path.startsWith('/v1/auth/'),
    foreignKey: makeKey('P-256'),
  })

  function logIn({ path, body }: Asked): Answer {
    const isApprole =
      path === '/v1/auth/approle/login' && body['role_id'] === 'ca' && body['secret_id'] === vaultSecretId
    const isKubernetes =
      path === '/v1/auth/kubernetes/login' && body['role'] === 'ca' && body['jwt'] === vaultJwt
    if (!isApprole && !isKubernetes)
      return refusal(400, `invalid role or secret ID ${String(body['secret_id'])}`)
    return { status: 200, body: { auth: { client_token: `hvs.login-${++logins}`, lease_duration: 3600 } } }
  }

  return {
    ...standIn,
    revoke: () => {
      oldest = logins + 1
    },
    logins: () => logins,
  }
}

function transit({ path, method, body }: Asked, standIn: StandIn, mount: string): Answer | undefined {
  const [, operation = '', name = ''] = new RegExp(`^/v1/${mount}/(keys|sign)/(\\w+)$`).exec(path) ?? []
  if (name === 'aes')
    return {
      status: 200,
      body: {
        data: { type: 'aes256-gcm96', latest_version: 1, supports_signing: false, keys: { 1: 1764000000 } },
      },
    }
  const [type, hash, key] = keys[name] ?? []
  if (key === undefined) return undefined
  if (operation === 'keys' && method === 'GET') {
    const raw = Buffer.from(key.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64')
    const publicKey = type === 'ed25519' ? raw : key.pem
    // Rotated once, so that a signer has to say which version it means.
    return {
      status: 200,
      body: {
        data: {
          type,
          latest_version: 2,
          supports_signing: true,
          keys: { 1: { public_key: standInOldKey.pem }, 2: { public_key: publicKey } },
        },
      },
    }
  }
  const isFine =
    body['key_version'] === 2 &&
    (type === 'ed25519' ||
      (body['prehashed'] === true &&
        body['hash_algorithm'] === hash &&
        body['marshaling_algorithm'] === 'asn1')) &&
    (type !== 'rsa-2048' || body['signature_algorithm'] === 'pkcs1v15')
  if (!isFine) return refusal(400, 'that does not fit')
  const signature = standIn.keyFor(key).sign(Buffer.from(String(body['input']), 'base64'))
  return {
    status: 200,
    body: { data: { signature: `vault:v2:${signature.toString('base64')}`, key_version: 2 } },
  }
}

const standInOldKey = makeKey('P-256')

function refusal(status: number, message: string): Answer {
  return { status, body: { errors: [message] } }
}
