/** An issuer that answers what no issuer should. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export type Answers = {
  /** Of discovery, beside what every issuer tells. */
  readonly says?: object
  readonly token?: (form: URLSearchParams, authorization: string | undefined) => Promise<object> | object
  readonly device?: object
}

const { privateKey, publicKey } = await generateKeyPair('RS256')
/** A key that the issuer does not publish. */
export const stranger = await generateKeyPair('RS256')
export const sign = (claims: JWTPayload, key = privateKey): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).setIssuedAt().setExpirationTime('5m').sign(key)

/** An issuer that answers as it is told to. */
export async function standIn(
  t: { teardown(action: () => void): unknown },
  { says, token, device }: Answers,
): Promise<string> {
  const keys = { keys: [{ ...(await exportJWK(publicKey)), alg: 'RS256', use: 'sig' }] }
  const take = async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    let body = ''
    for await (const part of request) body += String(part)
    const form = new URLSearchParams(body)
    const answers: Record<string, () => unknown> = {
      '/.well-known/openid-configuration': () => ({
        issuer: url,
        authorization_endpoint: `${url}/auth`,
        token_endpoint: `${url}/token`,
        device_authorization_endpoint: `${url}/device`,
        jwks_uri: `${url}/keys`,
        code_challenge_methods_supported: ['S256'],
        ...says,
      }),
      '/keys': () => keys,
      '/token': () => token?.(form, request.headers.authorization),
      '/device': () => device,
    }
    const answer = await answers[request.url ?? '']?.()
    const failed = typeof answer === 'object' && answer !== null && 'error' in answer
    reply.writeHead(failed ? 400 : 200, { 'content-type': 'application/json' })
    reply.end(JSON.stringify(answer ?? {}))
  }
  const server = createServer((request, reply) => void take(request, reply))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
