/** The faces of one log on one server. Listens nowhere and reads no environment. */
import { buildServer, type Logger, type Readiness, type Registry } from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import { type CtDependencies, ctFace, replyWithCtError, replyWithCtNotFound } from './faces/ct/index.ts'
import {
  findShard,
  type RekorV1Dependencies,
  rekorV1Face,
  replyWithRekorError,
  replyWithRekorNotFound,
} from './faces/rekor-v1/index.ts'
import { tilesFace } from './faces/tiles/index.ts'

export type Frame = {
  readonly logger: Logger | false
  readonly metrics?: Registry
  /** False where metrics have a listener of their own. */
  readonly metricsRoute?: boolean
  readonly readiness?: () => Promise<Readiness>
  /** Whose `X-Forwarded-For` is believed. */
  readonly trustProxy?: string[]
  /** Adds what counts the answers of the face. */
  readonly measure?: (app: FastifyInstance) => void
}

export type Face =
  | { readonly face: 'rekor-v1'; readonly dependencies: RekorV1Dependencies }
  | { readonly face: 'ct'; readonly dependencies: CtDependencies }

export async function buildApp(face: Face, { measure, ...frame }: Frame): Promise<FastifyInstance> {
  const app = buildServer({
    name: `log-${face.face}`,
    ...frame,
    // Clients post to paths with a trailing slash (sigstore-python does) and with doubled ones. What is no entry ID is for the face to
    // refuse, however long it is.
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 16_384 },
    errorHandler: face.face === 'ct' ? replyWithCtError : replyWithRekorError,
    notFoundHandler: face.face === 'ct' ? replyWithCtNotFound : replyWithRekorNotFound,
  })
  measure?.(app)
  if (face.face === 'ct') {
    const { log, pathPrefix } = face.dependencies
    await app.register(ctFace, face.dependencies)
    await app.register(tilesFace, { log: async () => log, pathPrefix })
  } else {
    await app.register(rekorV1Face, face.dependencies)
    const { shards } = face.dependencies
    await app.register(tilesFace, { log: async () => shards.active().log, pathPrefix: '' })
    // Every shard at a place of its own, which a rollover does not change.
    const byTreeId = async (treeId = '') =>
      /^[1-9]\d{0,18}$/.test(treeId) ? (await findShard(shards, BigInt(treeId)))?.log : undefined
    await app.register(tilesFace, { log: byTreeId, pathPrefix: '/shards/:shard' })
  }
  return app
}
