/** What the sources of tokens may touch of the world around a job. */
import type { SocketAnswer, SocketCall } from '@sigstack/http-client'
import type { Exchange } from '../services/ask-service.ts'

export type Surroundings = {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly exchange: Exchange
  /** As `callSocket` of `@sigstack/http-client`. */
  callSocket(path: string, call: SocketCall): Promise<SocketAnswer>
  isSocket(path: string): Promise<boolean>
  /** Undefined where there is no such file. */
  readFile(path: string): Promise<string | undefined>
}

/** Undefined where the job has no such surroundings. `isPicked`: this one alone is asked for. */
export type Source = (surroundings: Surroundings, isPicked: boolean) => Promise<string | undefined>

/** The one that certificate authorities expect. */
export const audience = 'sigstore'
/** Of whoever gives tokens. */
export const tokenBounds = { timeoutMs: 30_000, maxBytes: 256 << 10 } as const
