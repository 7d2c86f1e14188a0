import { LRUCache } from 'lru-cache'
import { type CachedDocument, type DocumentCache, isUsable } from './document-cache.ts'

export type MemoryCacheOptions = {
  /** How long after its fetch a document may still be used. */
  readonly keepMs: number
  readonly maxDocuments: number
  readonly now: () => number
}

/** A bounded map; when it is full, the document that was read longest ago makes room. */
export function createMemoryCache({ keepMs, maxDocuments, now }: MemoryCacheOptions): DocumentCache {
  const documents = new LRUCache<string, CachedDocument>({ max: maxDocuments })

  return {
    async read(key) {
      const document = documents.get(key)
      if (document === undefined || isUsable(document, keepMs, now())) return document
      documents.delete(key)
      return undefined
    },
    async write(key, document) {
      const existing = documents.peek(key)
      const isUsed = existing !== undefined && isUsable(existing, keepMs, now())
      if (isUsed && existing.fetchedAtMs > document.fetchedAtMs) return
      documents.set(key, document)
    },
    release(key) {
      documents.delete(key)
    },
    state: () => 'memory',
    async stop() {
      documents.clear()
    },
  }
}
