import type { Operation } from '@sigstack/server'
import type { RouteOptions } from 'fastify'
import type { RekorV1Dependencies } from './dependencies.ts'

/** What answers, over the log of the face, and what the router has to know of it. */
export type Handler = (face: RekorV1Dependencies) => Pick<RouteOptions, 'bodyLimit' | 'handler' | 'onRequest'>

export type Route = {
  /** Upstream's operation ID (rekor-v1.md section 2), as LOG_ENABLED_ENDPOINTS has it; routes may share one. */
  readonly id: string
  readonly method: 'GET' | 'POST'
  /** As the router has it: `/a/:b`. */
  readonly path: string
  /** As refusals call it where it is switched off. One without is no operation of the log: always there, and not counted. */
  readonly name?: string
  readonly handler: Handler
  /** As OpenAPI has it; its `operationId` is the ID unless it says another. */
  readonly description: Operation
}
