import type { Signer } from '@sigstack/crypto'
import type { Log } from '@sigstack/log-engine'
import type { RootSource } from './accepted-roots.ts'

/** What the face asked for. */
export type CtDependencies = {
  readonly log: Log
  readonly signer: Signer
  readonly roots: RootSource
  /** Before `/ct/v1`; empty or like `/2026`, the shard. Not `prefix`, which Fastify would take for its own. */
  readonly pathPrefix: string
  /** Dotted OIDs, of which a leaf must bear one; none means that any leaf is taken. */
  readonly extendedKeyUsages: readonly string[]
  readonly bodyLimitBytes: number
  readonly nowMs: () => number
}
