/** What the thread of the follower is started with, and what it tells beside its turns. */
import type { SearchedLog } from './store.ts'

export type ThreadData = {
  readonly databaseUrl: string
  /** Default `rekor-v1`. */
  readonly name?: SearchedLog
  readonly logId: Uint8Array
}

/** Of one entry, or of the connection; the turn goes on. */
export type Trouble = { readonly trouble: string }
