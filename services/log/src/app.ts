/** A face on a server. Listens nowhere and reads no environment. */
import { networkOf } from '@sigstack/limits'
import {
  boundReceiving,
  buildServer,
  type Logger,
  type Readiness,
  type Registry,
  type TlsIdentity,
} from '@sigstack/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Face } from './face.ts'

export type Frame = {
  readonly logger: Logger | false
  readonly metrics?: Registry
  /** False where metrics have a listener of their own. */
  readonly metricsRoute?: boolean
  readonly readiness?: () => Promise<Readiness>
  readonly tls?: TlsIdentity
  /** Whose `X-Forwarded-For` is believed. */
  readonly trustProxy?: (address: string) => boolean
  /** Of the bodies that are on their way at the same time, and of the large answers; one network has at most half of it. */
  readonly bytesOnTheirWay?: number
}

export async function buildApp(face: Face, { bytesOnTheirWay, ...frame }: Frame): Promise<FastifyInstance> {
  const onTheirWay = {
    ...(bytesOnTheirWay !== undefined && { totalBytes: bytesOnTheirWay }),
    senderOf: ({ ip }: FastifyRequest) => networkOf(ip),
  }
  const app = buildServer({
    name: `log-${face.name}`,
    ...frame,
    healthz: face.tellsHealth !== true,
    sending: onTheirWay,
    prepared: face.prepared,
    // Clients post to paths with a trailing slash (sigstore-python does) and with doubled ones. What is no entry ID is for the face to
    // refuse, however long it is.
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 16_384 },
    ...face.errorHandlers,
  })
  if (bytesOnTheirWay !== undefined) boundReceiving(app, { ...onTheirWay, totalBytes: bytesOnTheirWay })
  await face.register(app)
  return app
}
