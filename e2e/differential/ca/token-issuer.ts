/** An OIDC provider with an issuer for each kind of identity, whose tokens may be as wrong as a case wants them. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Claims, claimsOf, type IssuerKind } from './issuer-kinds.ts'

export type TokenIssuer = {
  readonly url: string
  /** Claims of a good token for an issuer of ours, overridden by `more`; a claim that is undefined is left out. */
  token(kind: IssuerKind, more?: Claims, how?: TokenForm): string
  stop(): Promise<void>
}

export type TokenForm = {
  readonly header?: Claims
  /** Instead of the issuer's own. */
  readonly key?: KeyObject
  readonly signature?: (signed: Buffer) => Buffer
}

export async function startTokenIssuer(): Promise<TokenIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' }] }
  const server = createServer((request, response) => {
    const [, kind = '', document] =
      /^\/(\w+)\/(keys|\.well-known\/openid-configuration)$/.exec(request.url ?? '') ?? []
    const issuer = `${url}/${kind}`
    const answer =
      document === 'keys'
        ? keys
        : {
            issuer,
            jwks_uri: `${issuer}/keys`,
            authorization_endpoint: `${issuer}/authorize`,
            response_types_supported: ['id_token'],
            subject_types_supported: ['public'],
            id_token_signing_alg_values_supported: ['RS256'],
          }
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const token = (kind: IssuerKind, more: Claims = {}, form: TokenForm = {}): string => {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: `${url}/${kind}`,
      aud: 'sigstore',
      iat: now,
      exp: now + 1800,
      ...claimsOf(kind, url),
      ...more,
    }
    const signed = Buffer.from(
      `${part({ alg: 'RS256', kid: 'k1', typ: 'JWT', ...form.header })}.${part(claims)}`,
    )
    const signature = form.signature?.(signed) ?? sign('sha256', signed, form.key ?? privateKey)
    return `${signed.toString()}.${signature.toString('base64url')}`
  }
  return {
    url,
    token,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
