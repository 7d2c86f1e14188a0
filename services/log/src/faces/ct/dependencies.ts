import type { Signer } from '@sigstack/crypto'
import type { LogReader, LogWriter } from '@sigstack/log-engine'
import type { AddressLimiter } from '../../admission/address-limiter.ts'
import type { IssuerStore } from '../../issuers/store.ts'
import type { RootSource } from '../../roots/accepted-roots.ts'
import type { TreeTimes } from './tree-head.ts'

/** What reading needs. */
export type CtReadDependencies = {
  readonly log: LogReader
  readonly signer: Signer
  /** Before `/ct/v1`; empty or like `/2026`, the shard. Not `prefix`, which Fastify would take for its own. */
  readonly pathPrefix: string
  /** What the line says of all its logs, in JSON. */
  readonly toldLine: () => Promise<string>
  readonly issuers: IssuerStore
  readonly timestampOf: TreeTimes
  readonly nowMs: () => number
}

/**
 * The log that stands at a path of its own behind the first one, by its name there: `2027` for `/2027`. Throws a refusal for one that is
 * not open here.
 */
export type LaterCtLog = (name: string) => Promise<CtDependencies | undefined>

export type CtDependencies = CtReadDependencies & {
  readonly log: LogReader & LogWriter
  readonly roots: RootSource
  /** Dotted OIDs, of which a leaf must bear one; none means that any leaf is taken. */
  readonly extendedKeyUsages: readonly string[]
  /** An SCT names the index of its entry, as static-ct-api demands; default: it has no extensions. */
  readonly namesIndex?: boolean
  /** Of submissions. */
  readonly addressLimiter?: AddressLimiter
  readonly bodyLimitBytes: number
  /** Of what is logged; larger entries are refused. */
  readonly entryLimitBytes: number
}
