/**
 * The issuers in force and what belongs to them, exchanged as one when their list changes. The cache outlives the exchange,
 * so issuers that stay are not asked again.
 */

import type { ProxyRules } from '@sigstack/http-client'
import type { IssuerEntry } from '../issuers/issuer.ts'
import { createIssuerRegistry, type IssuerRegistry } from '../issuers/registry.ts'
import { createGuardedFetch, type GuardedFetch } from '../upstream/guarded-fetch.ts'
import type { ServiceAccount } from '../upstream/service-account.ts'
import {
  createIssuerDocuments,
  type IssuerDocuments,
  type IssuerDocumentsDependencies,
} from './issuer-documents.ts'

export type CurrentIssuers = {
  readonly registry: IssuerRegistry
  readonly documents: IssuerDocuments
  exchange(entries: readonly IssuerEntry[]): void
  stop(): Promise<void>
}

/** Longer than any fetch that was begun for the list before. */
const graceMs = 15_000

export function createCurrentIssuers(
  entries: readonly IssuerEntry[],
  dependencies: Omit<IssuerDocumentsDependencies, 'registry' | 'upstream'> & {
    readonly proxy?: ProxyRules
    readonly serviceAccount?: ServiceAccount
  },
): CurrentIssuers {
  const { proxy, serviceAccount } = dependencies
  let current = build(entries)
  const leaving = new Map<GuardedFetch, NodeJS.Timeout>()

  function build(list: readonly IssuerEntry[]) {
    const registry = createIssuerRegistry(list)
    const upstream = createGuardedFetch({
      ...(proxy !== undefined && { proxy }),
      ...(serviceAccount !== undefined && { serviceAccount }),
    })
    return { registry, upstream, documents: createIssuerDocuments({ ...dependencies, registry, upstream }) }
  }

  return {
    registry: {
      get named() {
        return current.registry.named
      },
      get patterns() {
        return current.registry.patterns
      },
      find: (url) => current.registry.find(url),
    },
    documents: {
      readDiscovery: (issuer) => current.documents.readDiscovery(issuer),
      readKeySet: (issuer, keyId) => current.documents.readKeySet(issuer, keyId),
      refreshNamed: () => current.documents.refreshNamed(),
      states: () => current.documents.states(),
    },
    exchange(list) {
      const { upstream } = current
      current = build(list)
      const timer = setTimeout(() => {
        leaving.delete(upstream)
        upstream.stop().catch(() => undefined)
      }, graceMs)
      leaving.set(upstream, timer.unref())
    },
    async stop() {
      for (const timer of leaving.values()) clearTimeout(timer)
      await Promise.all([current.upstream, ...leaving.keys()].map((upstream) => upstream.stop()))
    },
  }
}
