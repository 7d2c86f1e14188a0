import { type CachedDocument, type DocumentCache, isUsable } from './document-cache.ts'

export type MemoryCacheOptions = {
  /** How long after its fetch a document may still be used. */
  readonly keepMs: number
  readonly maxDocuments: number
  readonly now: () => number
}

/** A bounded map; when it is full, the document that was read longest ago makes room. */
export function createMemoryCache({ keepMs, maxDocuments, now }: MemoryCacheOptions): DocumentCache {
  const documents = new Map<string, CachedDocument>()

  return {
    async read(key) {
      const document = documents.get(key)
      if (document === undefined) return undefined
      documents.delete(key)
      if (!isUsable(document, keepMs, now())) return undefined
      documents.set(key, document)
      return document
    },
    async write(key, document) {
      const existing = documents.get(key)
      const isUsed = existing !== undefined && isUsable(existing, keepMs, now())
      if (isUsed && existing.fetchedAtMs > document.fetchedAtMs) return
      documents.delete(key)
      documents.set(key, document)
      if (documents.size <= maxDocuments) return
      const oldest = documents.keys().next()
      if (oldest.done !== true) documents.delete(oldest.value)
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
