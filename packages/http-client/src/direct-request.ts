/**
 * A request that goes to its host itself, by what Node brings along: a command that makes one loads a tenth of what
 * a client with proxies takes, and TLS only where the URL wants it.
 */
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { pipeline, type Readable } from 'node:stream'
import { type TlsSettings, tlsOptionsOf, usualTls } from './tls-settings.ts'

export type DirectRequest = {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | Readable | undefined
  readonly signal: AbortSignal
  readonly tls?: TlsSettings | undefined
  /** Called when nothing moved for this long before the head of the answer was there. */
  readonly idle?: { readonly timeoutMs: number; onIdle(): void }
}

/** Kept by whom they trust, and with them the connections. */
const agents = new WeakMap<TlsSettings, Map<string, Sender>>()

type Sender = { request(url: URL, options: RequestOptions): ClientRequest; readonly agent: Agent }

/** Nobody waits for a connection that is kept. */
const agentSettings = { keepAlive: true, timeout: 4000 }

/** An `import` would call the getters of `node:http`, which load what nobody asks for. */
function makeSender(protocol: string, tls: TlsSettings): Sender {
  if (protocol !== 'https:') {
    const { Agent, request } = process.getBuiltinModule('node:http')
    return { request, agent: new Agent(agentSettings) }
  }
  const { Agent, request } = process.getBuiltinModule('node:https')
  return { request, agent: new Agent({ ...agentSettings, ...tlsOptionsOf(tls) }) }
}

function senderOf({ protocol }: URL, tls = usualTls): Sender {
  const known = agents.get(tls) ?? new Map<string, Sender>()
  agents.set(tls, known)
  const made = known.get(protocol) ?? makeSender(protocol, tls)
  known.set(protocol, made)
  return made
}

/** Resolves with the head of the answer; rejects with what Node throws. */
export function requestDirectly(url: URL, given: DirectRequest): Promise<IncomingMessage> {
  const { method, headers, body, signal, tls, idle } = given
  const { request: open, agent } = senderOf(url, tls)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = open(url, { method, headers, agent })
  // What Node does with a signal, without watching all that the stream does.
  const callOff = (): void => void request.destroy(new Error('called off', { cause: signal.reason }))
  if (signal.aborted) callOff()
  signal.addEventListener('abort', callOff, { once: true })
  // A body of another length than was said would run into the next request.
  Object.assign(request, { strictContentLength: true })
  request.on('error', reject)
  // Where the peer changes to another protocol, Node ends the connection, and throws nothing.
  let isAnswered = false
  request.on('close', () => {
    signal.removeEventListener('abort', callOff)
    if (!isAnswered) reject(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))
  })
  request.on('response', (answer) => {
    isAnswered = true
    request.setTimeout(0)
    resolve(answer)
  })
  if (idle !== undefined) {
    request.setTimeout(idle.timeoutMs, () => idle.onIdle())
    // From here on the head alone is waited for: one byte of it now and then is no progress.
    request.on('finish', () => {
      const timer = setTimeout(() => idle.onIdle(), idle.timeoutMs)
      for (const event of ['response', 'close']) request.once(event, () => clearTimeout(timer))
    })
  }
  if (body === undefined || body instanceof Uint8Array) request.end(body)
  // What fails in it reaches us as an error of the request.
  else pipeline(body, request, () => undefined)
  return promise
}
