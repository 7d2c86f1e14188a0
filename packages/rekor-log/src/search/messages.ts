/** What the thread of the follower is started with, and what it tells beside its turns. */
export type ThreadData = { readonly databaseUrl: string; readonly logId: Uint8Array }

/** Of one entry, or of the connection; the turn goes on. */
export type Trouble = { readonly trouble: string }
