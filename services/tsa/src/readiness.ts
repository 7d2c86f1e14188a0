import type { StampAuthority } from '@sigstack/ca-authority'
import { signatureAlgorithms, utf8, verifySignature } from '@sigstack/crypto'
import type { Readiness } from '@sigstack/server'
import type { ClockGuard } from './clock/clock-guard.ts'

export type ReadinessDependencies = {
  readonly authority: () => StampAuthority
  readonly clock: Pick<ClockGuard, 'refuses' | 'state'>
  readonly now: () => Date
  /** Told, but no reason against being ready. */
  readonly notes: () => Readonly<Record<string, string>>
}

/** Ready is what could stamp now: the key signs, the chain is valid, and the clock is believed or need not be. */
export function createReadiness(dependencies: ReadinessDependencies): () => Promise<Readiness> {
  const { clock, now, notes } = dependencies
  return async () => {
    const authority = dependencies.authority()
    const time = now()
    const key = (await signs(authority)) ? 'ok' : 'does not sign'
    const isValid = authority.chain.every(({ notBefore, notAfter }) => notBefore <= time && time <= notAfter)
    const chain = isValid ? 'ok' : 'not valid now'
    return {
      ready: key === 'ok' && isValid && !clock.refuses(),
      checks: { key, chain, clock: clock.state(), ...notes() },
    }
  }
}

async function signs({ signer, chain }: StampAuthority): Promise<boolean> {
  const message = utf8('readiness')
  const { hash } = signatureAlgorithms[signer.algorithm]
  try {
    return await verifySignature(chain[0].publicKey, hash, message, await signer.sign(message))
  } catch {
    return false
  }
}
