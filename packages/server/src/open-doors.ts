import type { FastifyInstance } from 'fastify'
import type { Cleanups } from './cleanups.ts'
import { type InsideDoor, listen } from './listen.ts'
import type { Logger } from './logger.ts'
import { listenMetrics, type Registry } from './metrics.ts'
import { followTls, type TlsFiles, type TlsIdentity } from './tls-files.ts'

/** What the settings of a service say of its ports. */
export type Doors = {
  readonly host: string
  readonly port: number
  /** Undefined: `/metrics` is served beside the API. */
  readonly metricsPort?: number
  readonly tls?: TlsFiles
  readonly inside?: InsideDoor
}

export type OpenDoorsOptions = {
  /** Of the names of its settings, as in `TSA_PORT`. */
  readonly prefix: string
  readonly registry: Registry
  readonly logger: Logger
  /** What the files of `tls` were when `app` was made. */
  readonly tls: TlsIdentity | undefined
  readonly cleanups: Cleanups
}

/**
 * Listens: metrics on their own port where there is one, then the service itself, whose certificate is followed from now on. Gives its
 * URL. `cleanups` closes all of it, `app` too. Throws a ServerError when an address cannot be listened on.
 */
export async function openDoors(
  app: FastifyInstance,
  { host, port, metricsPort, tls: files, inside }: Doors,
  { prefix, registry, logger, tls, cleanups }: OpenDoorsOptions,
): Promise<string> {
  cleanups.add(() => app.close())
  if (metricsPort !== undefined) {
    const door = { host, port: metricsPort, portVariable: `${prefix}_METRICS_PORT` }
    const listening = await listenMetrics(registry, door)
    cleanups.add(() => listening.stop())
  }
  if (files !== undefined && tls !== undefined) {
    const following = await followTls(app, files, { initial: tls, logger })
    cleanups.add(async () => following.stop())
  }
  const door = { host, port, portVariable: `${prefix}_PORT`, ...(inside !== undefined && { inside }) }
  return (await listen(app, door)).url
}
