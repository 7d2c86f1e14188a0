/** Requests to one other service over connections that are kept: bounded in time and size, redirects not followed. */
import { Pool } from 'undici'
import { exchange } from './exchange.ts'

export type HttpAnswer = {
  readonly status: number
  readonly text: string
  readonly retryAfter: string | undefined
}

export type HttpPool = {
  /** Throws when no whole answer came within `timeoutMs`, or it is too large. */
  request(options: {
    readonly path: string
    readonly method: 'GET' | 'POST'
    readonly body?: string
    readonly timeoutMs: number
  }): Promise<HttpAnswer>
  close(): Promise<void>
}

/** Only the origin of `url` counts. */
export function createHttpPool(url: string, maxAnswerBytes: number): HttpPool {
  const pool = new Pool(new URL(url).origin, {
    connections: 32,
    pipelining: 1,
    keepAliveTimeout: 10_000,
    connectTimeout: 2000,
  })
  return {
    async request({ path, method, body, timeoutMs }) {
      const question = {
        path,
        method,
        ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
      }
      const answer = await exchange(pool, question, { timeoutMs, maxAnswerBytes })
      return { status: answer.status, text: answer.body.toString('utf8'), retryAfter: answer.retryAfter }
    },
    close: () => pool.destroy(),
  }
}
