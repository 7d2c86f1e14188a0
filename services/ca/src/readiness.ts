import type { Authority } from '@sigstack/ca-authority'
import { signatureAlgorithms, utf8, verifySignature } from '@sigstack/crypto'
import type { Readiness } from '@sigstack/server'
import { certificateSignatureAlgorithm, leafLifetimeSeconds } from '@sigstack/x509'
import type { CtLogs } from './adapters/ct-logs.ts'

export type ReadinessDependencies = {
  readonly authority: () => Authority
  /** Undefined: there is none, on purpose. */
  readonly ctLog: Pick<CtLogs, 'probe' | 'states'> | undefined
  readonly proxy: { probe(): Promise<void> }
  readonly now: () => Date
  /** Told, but no reason against being ready. */
  readonly notes?: () => Readonly<Record<string, string>>
}

const withoutCtLog = 'none: certificates are in no transparency log'

/** Ready is what could issue now: the key signs, the chain lasts, a CT log and the OIDC proxy answer. */
export function createReadiness(dependencies: ReadinessDependencies): () => Promise<Readiness> {
  const { ctLog, proxy, now } = dependencies
  return async () => {
    const authority = dependencies.authority()
    const [key, log, provider] = await Promise.all([
      stateOf('does not sign', () => assertKeySigns(authority)),
      ctLog === undefined ? undefined : stateOf('unreachable', () => ctLog.probe()),
      stateOf('unreachable', () => proxy.probe()),
    ])
    const checks = {
      key,
      chain: stateOfChain(authority, now().getTime()),
      ...(log !== undefined && { ctLog: log }),
      oidcProxy: provider,
    }
    const ready = Object.values(checks).every((state) => state === 'ok')
    const current = ctLog?.states().find(({ isCurrent }) => isCurrent)
    const notes = {
      ...(log === undefined && { ctLog: withoutCtLog }),
      ...(current !== undefined && { ctLogCurrent: current.logId }),
      ...dependencies.notes?.(),
    }
    return { ready, checks: { ...checks, ...notes } }
  }
}

/** Not valid yet it is by a clock that was put back. */
function stateOfChain({ chain }: Authority, nowMs: number): string {
  if (chain.some(({ notBefore }) => notBefore.getTime() > nowMs)) return 'not valid yet'
  const end = nowMs + leafLifetimeSeconds * 1000
  return chain.every(({ notAfter }) => notAfter.getTime() > end) ? 'ok' : 'ends'
}

async function assertKeySigns({ signer, chain }: Authority): Promise<void> {
  const message = utf8('readiness')
  const { hash } = signatureAlgorithms[certificateSignatureAlgorithm(signer.publicKey)]
  const signature = await signer.sign(message)
  if (!(await verifySignature(chain[0].publicKey, hash, message, signature)))
    throw new Error('the signature does not verify')
}

async function stateOf(otherwise: string, check: () => Promise<void>): Promise<string> {
  try {
    await check()
    return 'ok'
  } catch {
    return otherwise
  }
}
