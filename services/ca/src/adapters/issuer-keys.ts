/**
 * Keys of identity providers as the OIDC proxy knows them, remembered for a moment: at hundreds of tokens a second the
 * proxy is asked about once a minute and issuer.
 */
import { LRUCache } from 'lru-cache'
import { IssuanceError } from '../refusals.ts'
import { parseDiscovery, parseIssuerKeys } from '../token/issuer-documents.ts'
import type { IssuerKeys, ReadIssuerKeys } from '../token/issuer-keys.ts'
import type { OidcProxyClient } from './oidc-proxy-client.ts'

const freshMs = 60_000
/** Withdrawn keys live on where the proxy is away, so not for hours unless the operator wants it. */
const defaultKeepMs = 10 * 60_000
/** After a failure, and after a key that nobody knows, the proxy is left alone. */
const pauseMs = 3000
const mostIssuers = 200

type Memory = {
  keys?: IssuerKeys
  failure?: { readonly error: IssuanceError; readonly atMs: number }
  lookedUpAtMs?: number
  flight?: Promise<IssuerKeys> | undefined
}

/** `keepMs`: for how long keys are used while the proxy is away. */
export function createReadIssuerKeys(
  proxy: OidcProxyClient,
  nowMs: () => number,
  keepMs = defaultKeepMs,
): ReadIssuerKeys {
  // Families of issuers have members without end: the one not seen for longest goes.
  const memories = new LRUCache<string, Memory>({ max: mostIssuers })

  async function load(memory: Memory, issuerUrl: string, keyId?: string): Promise<IssuerKeys> {
    try {
      const algorithms = parseDiscovery(issuerUrl, await proxy.readDiscovery(issuerUrl))
      const keys = parseIssuerKeys(issuerUrl, await proxy.readKeySet(issuerUrl, keyId))
      memory.keys = { algorithms, keys, loadedAtMs: nowMs(), lookedFor: keyId }
      delete memory.failure
      return memory.keys
    } catch (error) {
      if (!(error instanceof IssuanceError)) throw error
      memory.failure = { error, atMs: nowMs() }
      // Only a proxy that is away leaves us with what we know; when it says that it has no keys, they are no longer good.
      if (error.code !== 'identity_provider_unreachable') delete memory.keys
      if (memory.keys !== undefined && nowMs() - memory.keys.loadedAtMs < keepMs) return memory.keys
      throw error
    }
  }

  /** Whoever comes while the keys are being fetched waits for the same answer. */
  function loadOnce(memory: Memory, issuerUrl: string, keyId?: string): Promise<IssuerKeys> {
    memory.flight ??= load(memory, issuerUrl, keyId).finally(() => {
      memory.flight = undefined
    })
    return memory.flight
  }

  function remember(issuerUrl: string): Memory {
    const memory = memories.get(issuerUrl) ?? {}
    memories.set(issuerUrl, memory)
    return memory
  }

  const read = async (issuerUrl: string, keyId?: string): Promise<IssuerKeys> => {
    const memory = remember(issuerUrl)
    const { keys, failure } = memory
    if (keys !== undefined && nowMs() - keys.loadedAtMs < freshMs) return keys
    if (failure !== undefined && nowMs() - failure.atMs < pauseMs) {
      if (keys !== undefined && nowMs() - keys.loadedAtMs < keepMs) return keys
      throw failure.error
    }
    return loadOnce(memory, issuerUrl, keyId)
  }

  const lookUp = async (issuerUrl: string, keyId: string, known: IssuerKeys): Promise<IssuerKeys> => {
    if (known.lookedFor === keyId && nowMs() - known.loadedAtMs < pauseMs) return known
    const memory = remember(issuerUrl)
    // Somebody else has looked in the meantime.
    if (memory.keys !== undefined && memory.keys !== known) return memory.keys
    if (memory.flight !== undefined) return memory.flight
    // Whatever the key: made-up names must not become requests. Each look brings all keys, so nobody loses by it.
    if (memory.lookedUpAtMs !== undefined && nowMs() - memory.lookedUpAtMs < pauseMs) return known
    memory.lookedUpAtMs = nowMs()
    return loadOnce(memory, issuerUrl, keyId)
  }

  return Object.assign(read, { lookUp })
}
