/** How often one address may apply, and one identity have a certificate; counted in Redis where there is one. */
import { createLimiter, type Limiter, networkOf, type Rule } from '@sigstack/limits'
import { normalEmail } from '@sigstack/policy'
import type { Identity } from '../identity/identity.ts'
import type { IssuanceLimits } from '../issuance/dependencies.ts'
import { IssuanceError } from '../refusals.ts'

export type IssuanceLimitsOptions = {
  /** None: no limit. */
  readonly perAddress: readonly Rule[]
  readonly perIdentity: readonly Rule[]
  readonly redisUrl?: string
  /** So long an answer of Redis may take before this replica counts for itself; default 250 ms. */
  readonly redisAnswerMs?: number
  /** Told once each time Redis goes or comes back; each replica counts for itself meanwhile. */
  readonly onReachable?: (reachable: boolean, reason?: string) => void
}

export type RunningLimits = IssuanceLimits & {
  state(): ReturnType<Limiter['state']>
  stop(): Promise<void>
}

export function createIssuanceLimits(options: IssuanceLimitsOptions): RunningLimits {
  const { perAddress, perIdentity, redisUrl, redisAnswerMs, onReachable } = options
  const shared = {
    ...(redisUrl !== undefined && { redisUrl }),
    ...(redisAnswerMs !== undefined && { redisAnswerMs }),
    ...(onReachable !== undefined && { onReachable }),
  }
  const addresses = createLimiter({ rules: perAddress, name: 'ca-address', ...shared })
  // One of the two tells of Redis; they live and die together.
  const identities = createLimiter({
    rules: perIdentity,
    name: 'ca-identity',
    ...shared,
    ...(perAddress.length > 0 && { onReachable: () => {} }),
  })
  return {
    async admitAddress(address) {
      assertTaken(await addresses.take(networkOf(address)), 'this address')
    },
    async admitIdentity({ claims, subjectAlternativeName }: Identity) {
      const { value } = subjectAlternativeName
      const key = JSON.stringify([claims.issuer, normalEmail(value) ?? value])
      assertTaken(await identities.take(key), 'this identity')
    },
    state: () => [addresses.state(), identities.state()].find((state) => state !== 'memory') ?? 'memory',
    async stop() {
      await Promise.all([addresses.stop(), identities.stop()])
    },
  }
}

function assertTaken(
  take: { readonly allowed: boolean; readonly retryAfterSeconds: number },
  whose: string,
): void {
  if (take.allowed) return
  throw new IssuanceError(
    'too_many_requests',
    `too many requests for certificates from ${whose}; try again in ${take.retryAfterSeconds} s`,
    { retryAfterSeconds: take.retryAfterSeconds },
  )
}
