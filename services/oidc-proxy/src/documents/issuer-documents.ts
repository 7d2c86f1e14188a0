/**
 * Discovery documents and key sets of issuers, kept so that an issuer that is slow or down hurts nobody.
 *
 *   age below freshMs          served from the cache
 *   up to twice that           served from the cache, and fetched again behind the requester's back
 *   older, up to the keep time fetched first; the old document is served only if that fails
 *   older than the keep time   gone
 *
 * Fetches of one document are merged, and after a failure the issuer is left alone for a moment.
 */
import type { CachedDocument, DocumentCache } from '../cache/document-cache.ts'
import type { Issuer } from '../issuers/issuer.ts'
import type { IssuerRegistry } from '../issuers/registry.ts'
import type { GuardedFetch } from '../upstream/guarded-fetch.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { discoveryUrlOf, maxDiscoveryBytes, parseDiscovery } from './discovery-document.ts'
import { IssuerError } from './issuer-error.ts'
import { createIssuerStates, type DocumentKind, documentKinds, type IssuerState } from './issuer-states.ts'
import { maxKeySetBytes, parseKeySet } from './key-set.ts'

export type Freshness = 'fresh' | 'stale'

export type ServedDocument = {
  /** JSON text as the issuer served it. */
  readonly body: string
  readonly ageSeconds: number
  readonly freshness: Freshness
}

export type DocumentTimes = {
  readonly freshMs: number
  /** The least time between two fetches of a key set that are made for a missing key id. */
  readonly keyIdRefetchIntervalMs: number
  /** How long an issuer is left alone after a failed fetch. */
  readonly retryAfterMs: number
}

export type DocumentEvents = {
  /** `reason` is a sentence, where it failed. */
  fetched(issuer: Issuer, kind: DocumentKind, outcome: string, reason?: string): void
  served(kind: DocumentKind, from: 'issuer' | 'cache', freshness: Freshness): void
}

export type IssuerDocumentsDependencies = {
  readonly registry: IssuerRegistry
  readonly upstream: GuardedFetch
  readonly cache: DocumentCache
  readonly times: DocumentTimes
  readonly events: DocumentEvents
  /** What an operator does for an issuer that is meant to be on the own network, for messages. */
  readonly howToPermit?: string
  readonly now: () => number
}

export type IssuerDocuments = {
  /** Throws {@link IssuerError}, here and below. */
  readDiscovery(issuer: Issuer): Promise<ServedDocument>
  /** With `keyId`, a set that lacks it is fetched again once before it is served. */
  readKeySet(issuer: Issuer, keyId?: string): Promise<ServedDocument>
  /** Fetches what the named issuers lack or will soon need. Failures are remembered, not thrown. */
  refreshNamed(): Promise<void>
  states(): readonly IssuerState[]
}

type Found = { readonly document: CachedDocument; readonly from: 'issuer' | 'cache' }

export function createIssuerDocuments(dependencies: IssuerDocumentsDependencies): IssuerDocuments {
  const { registry, upstream, cache, times, events, now, howToPermit = '' } = dependencies
  const states = createIssuerStates(registry, (issuer) => {
    for (const kind of documentKinds) cache.release(keyOf(issuer, kind))
  })
  const flights = new Map<string, Promise<CachedDocument>>()

  async function download(issuer: Issuer, kind: DocumentKind): Promise<CachedDocument> {
    if (kind === 'discovery') {
      const body = await upstream.readObject(issuer, discoveryUrlOf(issuer), maxDiscoveryBytes)
      parseDiscovery(issuer, body)
      return { body, fetchedAtMs: now() }
    }
    const { document } = await find(issuer, 'discovery')
    const body = await upstream.readObject(
      issuer,
      parseDiscovery(issuer, document.body).jwksUri,
      maxKeySetBytes,
    )
    parseKeySet(issuer, body)
    return { body, fetchedAtMs: now() }
  }

  async function fetchAndKeep(state: IssuerState, kind: DocumentKind): Promise<CachedDocument> {
    const { issuer, history } = state
    try {
      const document = await download(issuer, kind)
      history[kind].lastSuccessMs = document.fetchedAtMs
      history[kind].lastFailure = undefined
      events.fetched(issuer, kind, 'ok')
      states.prove(state)
      await cache.write(keyOf(issuer, kind), document)
      return document
    } catch (cause) {
      const error = asIssuerError(cause, times, howToPermit)
      history[kind].lastFailure = { atMs: now(), error }
      events.fetched(issuer, kind, cause instanceof UpstreamError ? cause.code : error.code, error.message)
      throw error
    }
  }

  function fetchMerged(state: IssuerState, kind: DocumentKind): Promise<CachedDocument> {
    const key = keyOf(state.issuer, kind)
    const flying = flights.get(key)
    if (flying !== undefined) return flying
    const { lastFailure } = state.history[kind]
    if (lastFailure !== undefined && now() - lastFailure.atMs < times.retryAfterMs) {
      return Promise.reject(lastFailure.error)
    }
    const flight = fetchAndKeep(state, kind).finally(() => flights.delete(key))
    flights.set(key, flight)
    return flight
  }

  /** What others put into a shared cache is checked like what comes from the issuer. */
  async function readKept(issuer: Issuer, kind: DocumentKind): Promise<CachedDocument | undefined> {
    const kept = await cache.read(keyOf(issuer, kind))
    if (kept === undefined) return undefined
    try {
      if (kind === 'discovery') parseDiscovery(issuer, kept.body)
      else parseKeySet(issuer, kept.body)
      return kept
    } catch {
      return undefined
    }
  }

  async function find(issuer: Issuer, kind: DocumentKind): Promise<Found> {
    const state = states.of(issuer)
    const cached = await readKept(issuer, kind)
    const ageMs = cached === undefined ? Number.POSITIVE_INFINITY : now() - cached.fetchedAtMs
    if (cached !== undefined && ageMs < 2 * times.freshMs) {
      // The failure is in the issuer's history; this requester has a document and need not know.
      if (ageMs >= times.freshMs) fetchMerged(state, kind).catch(() => undefined)
      return { document: cached, from: 'cache' }
    }
    try {
      return { document: await fetchMerged(state, kind), from: 'issuer' }
    } catch (error) {
      if (cached === undefined) throw error
      return { document: cached, from: 'cache' }
    }
  }

  async function findWithKeyId(issuer: Issuer, keyId: string): Promise<Found> {
    const found = await find(issuer, 'jwks')
    if (found.from === 'issuer' || parseKeySet(issuer, found.document.body).keyIds.has(keyId)) return found
    const state = states.of(issuer)
    const flying = flights.has(keyOf(issuer, 'jwks'))
    // A made-up key id must not cost the issuer a request each time: one in the interval, whatever the id.
    if (!flying && now() - state.lastKeyIdRefetchMs < times.keyIdRefetchIntervalMs) return found
    if (!flying) state.lastKeyIdRefetchMs = now()
    try {
      return { document: await fetchMerged(state, 'jwks'), from: 'issuer' }
    } catch {
      return found
    }
  }

  function serve(kind: DocumentKind, { document, from }: Found): ServedDocument {
    const ageMs = Math.max(0, now() - document.fetchedAtMs)
    const freshness = ageMs < times.freshMs ? 'fresh' : 'stale'
    events.served(kind, from, freshness)
    return { body: document.body, ageSeconds: Math.floor(ageMs / 1000), freshness }
  }

  async function refresh(issuer: Issuer, kind: DocumentKind): Promise<void> {
    const cached = await readKept(issuer, kind)
    if (cached !== undefined && now() - cached.fetchedAtMs < times.freshMs / 2) return
    await fetchMerged(states.of(issuer), kind)
  }

  return {
    readDiscovery: async (issuer) => serve('discovery', await find(issuer, 'discovery')),
    readKeySet: async (issuer, keyId) =>
      serve('jwks', await (keyId === undefined ? find(issuer, 'jwks') : findWithKeyId(issuer, keyId))),
    async refreshNamed() {
      await Promise.allSettled(
        registry.named.map(async (issuer) => {
          for (const kind of documentKinds) await refresh(issuer, kind)
        }),
      )
    },
    states: () => states.list(),
  }
}

function keyOf(issuer: Issuer, kind: DocumentKind): string {
  return `${kind}:${issuer.url}`
}

function asIssuerError(cause: unknown, { retryAfterMs }: DocumentTimes, howToPermit: string): IssuerError {
  if (cause instanceof IssuerError) return cause
  if (!(cause instanceof UpstreamError)) throw cause
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1000)
  const advice = cause.mayBePermitted && howToPermit !== '' ? `; ${howToPermit}` : ''
  return new IssuerError('issuer_unavailable', cause.message + advice, { cause, retryAfterSeconds })
}
