import type { Operation } from '@sigstack/server'
import type { RouteOptions } from 'fastify'
import type { RekorV2Dependencies } from './dependencies.ts'

/** What answers, over the log of the face, and what the router has to know of it. */
export type Handler = (face: RekorV2Dependencies) => Pick<RouteOptions, 'bodyLimit' | 'handler' | 'onRequest'>

export type Route = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly handler: Handler
  /** As OpenAPI has it. */
  readonly description: Operation
}
