/** An OIDC proxy for tests with the issuers behind it, and the tokens they sign. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, type JWK, type JWTPayload, SignJWT } from 'jose'

export type StandInIssuer = {
  url: string
  algorithms: string[] | undefined
  discoveryIssuer: string
  keys: JWK[]
  readonly privateKey: KeyObject
  readonly alg: string
  readonly kid: string
}

export type StandInProxy = {
  readonly url: string
  readonly issuers: Map<string, StandInIssuer>
  /** Paths with queries, in the order they came. */
  readonly requests: string[]
  mode: 'good' | 'down' | 'garbage' | 'issuer_unavailable'
  stop(): Promise<void>
}

const now = (): number => Math.floor(Date.now() / 1000)

export async function createIssuer(url: string, alg = 'RS256', kid = 'key-1'): Promise<StandInIssuer> {
  const { publicKey, privateKey } = keyPairFor(alg)
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { url, algorithms: [alg], discoveryIssuer: url, keys: [jwk], privateKey, alg, kid }
}

function keyPairFor(alg: string): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519')
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (alg === 'ES384') return generateKeyPairSync('ec', { namedCurve: 'P-384' })
  return nextRsaKeys()
}

type KeyPair = ReturnType<typeof keyPairFor>

const rsaKeys: KeyPair[] = []
let rsaIssuers = 0

/** An RSA key takes long to find: four take turns, more than there are issuers that must not be taken for each other. */
function nextRsaKeys(): KeyPair {
  return (rsaKeys[rsaIssuers++ % 4] ??= generateKeyPairSync('rsa', { modulusLength: 2048 }))
}

/** A good token for `claims`; `null` removes a standard claim. */
export async function signToken(
  issuer: StandInIssuer,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const standard = { iss: issuer.url, aud: 'sigstore', sub: 'subject-1', iat: now(), exp: now() + 60 }
  const payload = Object.fromEntries(
    Object.entries({ ...standard, ...claims }).filter(([, value]) => value !== null),
  )
  return new SignJWT(payload as JWTPayload)
    .setProtectedHeader({ alg: issuer.alg, kid: issuer.kid, typ: 'JWT', ...header })
    .sign(issuer.privateKey)
}

export function unsigned(header: unknown, payload: unknown, signature = ''): string {
  const part = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(payload)}.${signature}`
}

export async function startProxy(...issuers: StandInIssuer[]): Promise<StandInProxy> {
  const known = new Map(issuers.map((issuer) => [issuer.url, issuer]))
  const requests: string[] = []
  const state = { mode: 'good' as StandInProxy['mode'] }
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://proxy')
    const problem = (status: number, code: string, detail: string): void => {
      response
        .writeHead(status, { 'content-type': 'application/problem+json' })
        .end(JSON.stringify({ type: 'about:blank', title: code, status, code, detail }))
    }
    if (state.mode === 'down') {
      request.socket.destroy()
      return
    }
    if (pathname === '/healthz') {
      response.writeHead(200).end('{"status":"ok"}')
      return
    }
    requests.push(request.url ?? '')
    const issuer = known.get(searchParams.get('issuer') ?? '')
    if (state.mode === 'garbage') response.writeHead(200).end('{"keys":7')
    else if (state.mode === 'issuer_unavailable') problem(503, 'issuer_unavailable', 'it timed out')
    else if (issuer === undefined) problem(404, 'issuer_not_configured', 'not configured')
    else if (pathname === '/v1/discovery') {
      const document = {
        issuer: issuer.discoveryIssuer,
        jwks_uri: `${issuer.url}/keys`,
        ...(issuer.algorithms && { id_token_signing_alg_values_supported: issuer.algorithms }),
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
    } else response.writeHead(200).end(JSON.stringify({ keys: issuer.keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    issuers: known,
    requests,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}
