/**
 * What oidc-provider keeps between requests: codes, sessions, interactions. In memory and bounded: a trial
 * forgets its half-done sign-ins when it stops, and when there are too many, the oldest make room.
 */
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

const maxEntries = 10_000

type Entry = { readonly payload: AdapterPayload; readonly expiresAtMs: number }

export function createMemoryAdapter(now: () => number): AdapterFactory {
  const entries = new Map<string, Entry>()

  function read(key: string): AdapterPayload | undefined {
    const entry = entries.get(key)
    if (entry !== undefined && entry.expiresAtMs > now()) return entry.payload
    entries.delete(key)
    return undefined
  }

  function findBy(model: string, matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const [key, { payload }] of entries) {
      if (key.startsWith(`${model}:`) && matches(payload)) return read(key)
    }
    return undefined
  }

  return (model): Adapter => ({
    async upsert(id, payload, expiresInSeconds) {
      const key = `${model}:${id}`
      entries.delete(key)
      const expiresAtMs =
        expiresInSeconds === undefined ? Number.POSITIVE_INFINITY : now() + expiresInSeconds * 1000
      entries.set(key, { payload, expiresAtMs })
      const oldest = entries.keys().next()
      if (entries.size > maxEntries && oldest.done !== true) entries.delete(oldest.value)
    },
    find: async (id) => read(`${model}:${id}`),
    findByUid: async (uid) => findBy(model, (payload) => payload.uid === uid),
    findByUserCode: async (userCode) => findBy(model, (payload) => payload.userCode === userCode),
    async consume(id) {
      const payload = read(`${model}:${id}`)
      if (payload !== undefined) payload.consumed = Math.floor(now() / 1000)
    },
    async destroy(id) {
      entries.delete(`${model}:${id}`)
    },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of entries) if (payload.grantId === grantId) entries.delete(key)
    },
  })
}
