/** Where a browser brings the code of a sign-in: a server on this machine that takes one request of one form. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { quoted } from '@sigstack/crypto'
import { CliError } from '../../errors.ts'
import { noToken } from './no-token.ts'

export type Loopback = {
  readonly redirectUri: string
  /** Resolves to the code that came with `state`. Throws `no_token` where the issuer refused. */
  readonly code: Promise<string>
  close(): void
}

const usualPath = '/auth/callback'
const longestRequestMs = 10_000

/** `redirect` names host and port; without it any free port of localhost is taken. */
export async function openLoopback(state: string, redirect?: string): Promise<Loopback> {
  const named = URL.parse(redirect ?? `http://localhost:0${usualPath}`)
  if (named?.protocol !== 'http:')
    throw new CliError('bad_usage', `--oidc-redirect-url ${quoted(redirect ?? '', 200)} is not http://…`)
  const { hostname, port, pathname } = named
  const { promise: code, resolve, reject } = Promise.withResolvers<string>()
  // Whoever gave up waiting does not want to hear of it.
  code.catch(() => {})
  const server = createServer(
    { requestTimeout: longestRequestMs, maxHeaderSize: 16 << 10 },
    (request, reply) => take(request, reply, { path: pathname, state, resolve, reject }),
  )
  server.listen(Number(port), hostname.replace(/^\[(.*)\]$/, '$1'))
  await once(server, 'listening').catch((cause: unknown) => {
    throw noToken(`nothing can listen at ${named.host} for the answer of the browser`, cause)
  })
  const address = server.address() as AddressInfo
  return {
    redirectUri: `http://${hostname}:${address.port}${pathname}`,
    code,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

type Wanted = {
  readonly path: string
  readonly state: string
  resolve(code: string): void
  reject(error: Error): void
}

function take(request: IncomingMessage, reply: ServerResponse, wanted: Wanted): void {
  const url = URL.parse(request.url ?? '', 'http://localhost')
  if (request.method !== 'GET' || url?.pathname !== wanted.path) return show(reply, 404, 'Nothing is here.')
  // Any page that the browser shows could bring it here, so a stranger's code ends nothing.
  if (url.searchParams.get('state') !== wanted.state)
    return show(reply, 400, 'This is not the answer that was waited for.')
  const code = url.searchParams.get('code')
  const error = url.searchParams.get('error')
  if (code !== null && code !== '') {
    show(reply, 200, 'Signed in. This window may be closed.')
    wanted.resolve(code)
  } else {
    show(reply, 400, 'Not signed in. This window may be closed.')
    wanted.reject(noToken(`the issuer refused: ${quoted(error ?? 'no reason', 200)}`))
  }
}

function show(reply: ServerResponse, status: number, words: string): void {
  reply.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'",
    connection: 'close',
  })
  reply.end(`<!doctype html><html lang="en"><title>sigstack</title><p>${words}</p></html>\n`)
}
