/**
 * What is remembered of each issuer between requests.
 *
 * Named issuers stay for good. Members of a pattern are known only by having been asked for, so they are
 * bounded; those that never answered have a room of their own, so that a scan of made-up names cannot
 * push out the members that do exist.
 */
import type { Issuer } from '../issuers/issuer.ts'
import type { IssuerRegistry } from '../issuers/registry.ts'
import type { IssuerError } from './issuer-error.ts'

export const documentKinds = ['discovery', 'jwks'] as const
export type DocumentKind = (typeof documentKinds)[number]

export type DocumentHistory = {
  lastSuccessMs?: number
  lastFailure?: { readonly atMs: number; readonly error: IssuerError } | undefined
}

export type IssuerState = {
  readonly issuer: Issuer
  readonly history: Readonly<Record<DocumentKind, DocumentHistory>>
  /** When the key set was last fetched only because a key id was missing from it. */
  lastKeyIdRefetchMs: number
}

export type IssuerStates = {
  of(issuer: Issuer): IssuerState
  /** Tells that the issuer exists: it has answered with a good document. */
  prove(state: IssuerState): void
  list(): readonly IssuerState[]
}

const maxFamilyMembers = 100

export function createIssuerStates(
  registry: IssuerRegistry,
  onForget: (issuer: Issuer) => void,
): IssuerStates {
  const named = new Map(registry.named.map((issuer) => [issuer.url, newState(issuer)]))
  const proven = new Map<string, IssuerState>()
  const unproven = new Map<string, IssuerState>()

  function putLast(room: Map<string, IssuerState>, state: IssuerState): void {
    room.delete(state.issuer.url)
    room.set(state.issuer.url, state)
    const oldest = room.values().next().value
    if (room.size <= maxFamilyMembers || oldest === undefined) return
    room.delete(oldest.issuer.url)
    onForget(oldest.issuer)
  }

  return {
    of(issuer) {
      const known = named.get(issuer.url)
      if (known !== undefined) return known
      const room = proven.has(issuer.url) ? proven : unproven
      const state = room.get(issuer.url) ?? newState(issuer)
      putLast(room, state)
      return state
    },
    prove(state) {
      if (named.has(state.issuer.url)) return
      unproven.delete(state.issuer.url)
      putLast(proven, state)
    },
    list: () => [...named.values(), ...proven.values(), ...unproven.values()],
  }
}

function newState(issuer: Issuer): IssuerState {
  return { issuer, history: { discovery: {}, jwks: {} }, lastKeyIdRefetchMs: Number.NEGATIVE_INFINITY }
}
