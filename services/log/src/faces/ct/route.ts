import type { Operation } from '@sigstack/server'
import type { RouteOptions } from 'fastify'
import type { CtDependencies, CtReadDependencies } from './dependencies.ts'
import type { SubmissionValidator } from './submission.ts'

export type CtFace = CtDependencies & { readonly validate: SubmissionValidator }

/** What answers, over the log of the face, and what the router has to know of it. */
export type Handler = (face: CtFace) => Pick<RouteOptions, 'bodyLimit' | 'handler' | 'onRequest'>
export type ReadHandler = (face: CtReadDependencies) => ReturnType<Handler>

export type Route = {
  readonly method: 'GET' | 'POST'
  /** After the prefix of the log. */
  readonly path: string
  readonly handler: Handler
  /** As OpenAPI has it. */
  readonly description: Operation
}
