/**
 * What is shared through Redis decides whose tokens are believed, so it carries a code that only replicas can make
 * (HMAC-SHA-256 over key, time and text): whoever writes there can withhold documents, and show one again for as long as
 * it would have been kept, but not make any up.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { CachedDocument } from './document-cache.ts'

export type DocumentSeal = {
  /** Of the secret: replicas with another one keep their documents under other keys. */
  readonly name: string
  seal(key: string, document: CachedDocument): string
  /** Undefined for everything that was not sealed under this key with this secret. */
  open(key: string, text: string): CachedDocument | undefined
}

const Sealed = Type.Object({
  body: Type.String({ maxLength: 2 * 1024 * 1024 }),
  fetchedAtMs: Type.Number({ minimum: 0 }),
  code: Type.String({ maxLength: 64 }),
})

export function createDocumentSeal(secret: string): DocumentSeal {
  const macKey = Buffer.from(hkdfSync('sha256', secret, '', 'sigstack documents of issuers', 32))
  const macOf = (...parts: readonly (string | number)[]): Buffer =>
    createHmac('sha256', macKey).update(JSON.stringify(parts)).digest()
  const codeOf = (key: string, { body, fetchedAtMs }: CachedDocument): Buffer =>
    macOf('document', key, fetchedAtMs, body)
  return {
    name: macOf('name').toString('hex').slice(0, 8),
    seal(key, document) {
      const { body, fetchedAtMs } = document
      return JSON.stringify({ body, fetchedAtMs, code: codeOf(key, document).toString('hex') })
    },
    open(key, text) {
      const value = parse(text)
      if (!Value.Check(Sealed, value)) return undefined
      const { body, fetchedAtMs, code } = value
      const expected = codeOf(key, { body, fetchedAtMs })
      const given = Buffer.from(code, 'hex')
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
      return { body, fetchedAtMs }
    },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
