/**
 * Keys of identity providers as the OIDC proxy knows them, remembered for a moment: at hundreds of tokens a second the
 * proxy is asked about once a minute and issuer.
 */
import type { JWK } from 'jose'
import { IssuanceError, refuseToken } from '../issuance/issuance-error.ts'
import type { OidcProxyClient } from './oidc-proxy-client.ts'

export type IssuerKeys = {
  /** Signature algorithms that the issuer announces, of those that are ever accepted. */
  readonly algorithms: readonly string[]
  readonly keys: readonly JWK[]
  readonly loadedAtMs: number
}

export type ReadIssuerKeys = {
  /** Throws an IssuanceError, here and below. */
  (issuerUrl: string): Promise<IssuerKeys>
  /** Keys that were looked up again because `keyId` was not among them; it may still not be. */
  lookUp(issuerUrl: string, keyId: string, known: IssuerKeys): Promise<IssuerKeys>
}

export const acceptedAlgorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
]

const freshMs = 60_000
/** Withdrawn keys live on where the proxy is away, so not for hours unless the operator wants it. */
const defaultKeepMs = 10 * 60_000
/** After a failure, and after a key that nobody knows, the proxy is left alone. */
const pauseMs = 3000
const mostIssuers = 200
const mostKeys = 200

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
  const memories = new Map<string, Memory>()

  async function load(memory: Memory, issuerUrl: string, keyId?: string): Promise<IssuerKeys> {
    try {
      const algorithms = parseDiscovery(issuerUrl, await proxy.readDiscovery(issuerUrl))
      const keys = parseKeySet(issuerUrl, await proxy.readKeySet(issuerUrl, keyId))
      memory.keys = { algorithms, keys, loadedAtMs: nowMs() }
      delete memory.failure
      return memory.keys
    } catch (error) {
      if (!(error instanceof IssuanceError)) throw error
      memory.failure = { error, atMs: nowMs() }
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
    // Families of issuers have members without end: the one not seen for longest goes.
    memories.delete(issuerUrl)
    memories.set(issuerUrl, memory)
    if (memories.size > mostIssuers) memories.delete(memories.keys().next().value ?? '')
    return memory
  }

  const read = async (issuerUrl: string): Promise<IssuerKeys> => {
    const memory = remember(issuerUrl)
    const { keys, failure } = memory
    if (keys !== undefined && nowMs() - keys.loadedAtMs < freshMs) return keys
    if (failure !== undefined && nowMs() - failure.atMs < pauseMs) {
      if (keys !== undefined && nowMs() - keys.loadedAtMs < keepMs) return keys
      throw failure.error
    }
    return loadOnce(memory, issuerUrl)
  }

  const lookUp = async (issuerUrl: string, keyId: string, known: IssuerKeys): Promise<IssuerKeys> => {
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

function parseDiscovery(issuerUrl: string, text: string): readonly string[] {
  const document = parseObject(issuerUrl, text, 'discovery document')
  // The proxy checks it too; but whose keys these are is too important for one check.
  if (document['issuer'] !== issuerUrl)
    throw refuseToken(
      'issuer_mismatch',
      `iss is ${JSON.stringify(issuerUrl)} but its discovery document says ${JSON.stringify(document['issuer'] ?? null).slice(0, 300)}`,
    )
  const announced = document['id_token_signing_alg_values_supported']
  const accepted = Array.isArray(announced)
    ? acceptedAlgorithms.filter((algorithm) => announced.includes(algorithm))
    : []
  return accepted.length > 0 ? accepted : ['RS256']
}

function parseKeySet(issuerUrl: string, text: string): readonly JWK[] {
  const { keys } = parseObject(issuerUrl, text, 'key set')
  if (!Array.isArray(keys)) throw invalid(issuerUrl, 'key set')
  return keys.slice(0, mostKeys).filter(isPublicSigningKey)
}

/** Symmetric keys have no place in a public set, and keys for encryption sign nothing. */
function isPublicSigningKey(value: unknown): value is JWK {
  if (typeof value !== 'object' || value === null) return false
  const { kty, use } = value as JWK
  return (kty === 'RSA' || kty === 'EC' || kty === 'OKP') && (use === undefined || use === 'sig')
}

function parseObject(issuerUrl: string, text: string, what: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid(issuerUrl, what, cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(issuerUrl, what)
  return value as Readonly<Record<string, unknown>>
}

function invalid(issuerUrl: string, what: string, cause?: unknown): IssuanceError {
  return refuseToken('issuer_unavailable', `the ${what} of ${JSON.stringify(issuerUrl)} is not valid`, {
    cause,
  })
}
