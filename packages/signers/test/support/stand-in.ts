/** The part that all stand-ins of key services share: an HTTP server on loopback that can be told to misbehave. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { StandInKey } from './keys.ts'

export type Asked = {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Parsed JSON. */
  readonly body: Record<string, unknown>
}

export type Answer = {
  readonly status: number
  readonly body: unknown
  readonly headers?: Record<string, string>
}

export type Trouble =
  /** Takes the request and says nothing. */
  | 'silent'
  | 'unavailable'
  | 'throttled'
  /** And repeats the credentials in its message, as a careless proxy might. */
  | 'denied'
  /** Signs with another key than the one asked for. */
  | 'foreign signature'
  | 'not JSON'

export type StandIn = {
  readonly url: string
  readonly host: string
  /** For the next `times` requests; without it until it is called again. */
  trouble(kind: Trouble | undefined, times?: number): void
  /** Requests for signatures. */
  signings(): number
  /** The key to sign with: the one given, unless there is to be a foreign signature. */
  keyFor(key: StandInKey): StandInKey
  /** From now on nothing listens. */
  stop(): Promise<void>
}

export type Dialect = {
  /** Undefined: 404 in the dialect's form. */
  answer(asked: Asked, standIn: StandIn): Answer | undefined
  refusal(status: number, message: string): Answer
  isSigning(asked: Asked): boolean
  /** Requests that trouble does not concern: those for credentials. */
  isCredential?(asked: Asked): boolean
  readonly foreignKey: StandInKey
}

export async function startStandIn(dialect: Dialect): Promise<StandIn> {
  let trouble: Trouble | undefined
  let left = Number.POSITIVE_INFINITY
  let signings = 0

  const server = createServer((request, response) => {
    void (async () => {
      const { method = '', url: path = '', headers } = request
      const content = await text(request)
      const asked: Asked = {
        method,
        path,
        headers,
        body: content.startsWith('{') ? (JSON.parse(content) as Record<string, unknown>) : {},
      }
      const answer = answerTo(asked)
      if (answer === undefined) return
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
    })()
  })

  function answerTo(asked: Asked): Answer | undefined {
    const usual = (): Answer => dialect.answer(asked, standIn) ?? dialect.refusal(404, 'there is no such key')
    if (dialect.isCredential?.(asked) === true) return usual()
    if (dialect.isSigning(asked)) signings++
    const now = left > 0 ? trouble : undefined
    left--
    switch (now) {
      case 'silent':
        return undefined
      case 'unavailable':
        return dialect.refusal(503, 'the service is being moved')
      case 'throttled':
        return dialect.refusal(429, 'too many requests')
      case 'denied': {
        const { authorization = '', 'x-vault-token': token = '' } = asked.headers
        return dialect.refusal(403, `not with ${authorization} ${String(token)}`)
      }
      case 'not JSON':
        return { status: 200, body: '<html>welcome</html>' }
      case 'foreign signature':
        left++
        return usual()
      case undefined:
        return usual()
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const standIn: StandIn = {
    url: `http://${host}`,
    host,
    trouble(kind, times = Number.POSITIVE_INFINITY) {
      trouble = kind
      left = times
    },
    signings: () => signings,
    keyFor: (key) => (trouble === 'foreign signature' ? dialect.foreignKey : key),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return standIn
}
