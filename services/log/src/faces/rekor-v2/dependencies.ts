/** What the face asked for. */
import type { LogReader, LogWriter } from '@sigstack/log-engine'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { DearReads } from '@sigstack/rekor-log'
import type { Gate } from '../../admission/gate.ts'
import type { Unopened } from '../../line/unopened.ts'
import type { OpenSource } from '../../search/source.ts'

/** One of the logs behind the face. */
export type RekorV2Log = {
  readonly log: LogReader & LogWriter
  /** As `trusted_root.json` has it, in base64. */
  readonly logId: string
  readonly publicKeyPem: string
}

export type RekorV2Dependencies = {
  /** Oldest first, at least one; the host that a request names says which it is for. */
  readonly logs: () => readonly [RekorV2Log, ...RekorV2Log[]]
  readonly unopened: Unopened
  /** What the line says of all its logs, in JSON. */
  readonly toldLine: () => Promise<string>
  /**
   * Verifies the text of a request; throws EntryError. `sender` is the network of the client: who sends much waits behind himself.
   */
  readonly verifyText: (text: string, sender: string) => Promise<VerifiedEntry>
  readonly gate?: Gate
  /** An entry that is there already: 201 with a fresh proof (default), or 409. */
  readonly duplicates?: 'conflict' | 'existing'
  /** What `/api/v1/search` looks into: these logs, and others of the same database. */
  readonly searched: () => Promise<readonly OpenSource[]>
  readonly now: () => Date
  /** Turns for answers that hold much; one for all kinds of them. */
  readonly dearReads?: DearReads
  /** Of requests. */
  readonly bodyLimitBytes: number
  /** Of what is logged; larger entries are refused. */
  readonly entryLimitBytes: number
}
