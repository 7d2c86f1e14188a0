/** What a face is to the process that runs it, and what it is given. A new one is a folder with an `open.ts` that gives this. */
import type { PublicKey, Signer } from '@sigstack/crypto'
import type { LogOptions, LogReader, SignedHeads } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import type { Logger, PreparedAnswers, Readiness, Registry, ServerOptions } from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import type { LogConfig } from './config.ts'
import type { LogGauges, LogMetrics } from './metrics.ts'
import type { RoomWatch } from './room.ts'
import type { HeadsOf } from './witnesses/open-heads.ts'

/** A dialect over a log, to be put on a server. */
export type Face = {
  /** As LOG_FACE has it. */
  readonly name: LogConfig['face']['face']
  readonly errorHandlers: Required<Pick<ServerOptions, 'errorHandler' | 'notFoundHandler'>>
  /** It answers `/healthz` in its own words. */
  readonly tellsHealth?: boolean
  /** What its routes keep to be given out again. */
  readonly prepared?: PreparedAnswers
  register(app: FastifyInstance): Promise<void>
}

/** A face whose log is open. What it opened it has given to `onStop`, so a start that fails half-way closes it too. */
export type OpenFace = Face & {
  /** Those that are served by names of their own, oldest first; the last one is the one for new entries. */
  logs(): readonly {
    readonly log: LogReader
    readonly publicKeyPem: string
    /** Before the paths of its tiles, where it is not the log's own address. */
    readonly pathPrefix?: string
  }[]
  readonly gauges: LogGauges
  /** For `/readyz`, beside what makes it ready. */
  readonly checks?: () => Readiness['checks']
}

export type FaceContext = {
  readonly config: LogConfig
  /** The log's key; of several shards the first one's. Bounded, as those that {@link guarded} gives. */
  readonly signer: Signer
  readonly guarded: (signer: Signer) => Signer
  /** For writers, and for what readers ask at length: those do not wait for the connections of these. */
  readonly pool: Pool
  readonly readers: Pool
  readonly logger: Logger
  readonly registry: Registry
  readonly metrics: LogMetrics
  /** Told by each log of this process how its batches went. */
  readonly batches: Required<Pick<LogOptions, 'onBatch' | 'onRefused'>>
  /** Whether the database has room for entries. */
  readonly room: Pick<RoomWatch, 'isFull'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onClock: NonNullable<LogOptions['onClock']>
  /** What remembers the largest signed head of the log of that name and key, where there is a folder for it. */
  readonly signedHeadsOf: (name: string, publicKey: PublicKey) => SignedHeads | undefined
  /** What is done in place of what a dialect says of its heads; once for each log. */
  readonly headsOf: HeadsOf
  /** Takes what is to be stopped with the log; the last one first. */
  readonly onStop: (stop: () => Promise<void> | void) => void
}
