/** Where fetched documents are kept. Both backends obey one contract, proved by one test. */

export type CachedDocument = {
  /** JSON text as the issuer served it. */
  readonly body: string
  /** Milliseconds since the epoch. */
  readonly fetchedAtMs: number
}

/** Whether a document may still be used; one from the future never may, as it would stay for ever. */
export function isUsable({ fetchedAtMs }: CachedDocument, keepMs: number, nowMs: number): boolean {
  return fetchedAtMs <= nowMs && nowMs - fetchedAtMs <= keepMs
}

export type CacheState = 'memory' | 'redis' | 'redis_unreachable'

export type DocumentCache = {
  /** Never rejects: a cache that cannot be reached is an empty one. */
  read(key: string): Promise<CachedDocument | undefined>
  /** Keeps the document for the time the cache was made for, unless it already holds a younger one that may be used. */
  write(key: string, document: CachedDocument): Promise<void>
  /** Gives back this process's memory for the key; what is shared with others stays. */
  release(key: string): void
  state(): CacheState
  stop(): Promise<void>
}
