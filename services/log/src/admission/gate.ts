/** The gate of a log: rules first, then limits. */
import { isIPv6 } from 'node:net'
import type { Limiter } from '@sigstack/limits'
import { type EntryFacts, readEntryFacts } from '../entries/signing-identity.ts'
import { AdmissionError } from './errors.ts'
import { decide, type Policy } from './policy.ts'

export type GateOptions = {
  /** The rules in force now; without it everybody may write. */
  readonly policy?: () => Policy
  /** By client address; a network of 64 bits counts as one address. */
  readonly addressLimiter?: Limiter
  /** By signer: the names in a certificate where a CA that the rules trust vouches for them, otherwise the key. */
  readonly identityLimiter?: Limiter
  readonly onDecision?: (outcome: GateOutcome) => void
}

export type GateOutcome = 'admitted' | 'denied' | 'address_limited' | 'identity_limited'

export type Gate = {
  admitAddress(address: string): Promise<void>
  admitEntry(body: Uint8Array, address: string): Promise<void>
}

export function createGate(options: GateOptions): Gate {
  const { policy, addressLimiter, identityLimiter, onDecision = () => {} } = options

  return {
    admitAddress: async (address) => {
      if (addressLimiter === undefined) return
      const { allowed, retryAfterSeconds } = await addressLimiter.take(addressKey(address))
      if (allowed) return
      onDecision('address_limited')
      throw tooMany('this address', retryAfterSeconds)
    },
    admitEntry: async (body, address) => {
      const facts = readEntryFacts(body)
      if (facts === undefined) throw new Error('a verified entry has a body that can be read')
      const isVouched = policy === undefined ? false : await admitByRules(policy(), facts, address)
      for (const key of identityLimiter === undefined ? [] : identityKeys(facts, isVouched)) {
        const take = await identityLimiter?.take(key)
        if (take === undefined || take.allowed) continue
        onDecision('identity_limited')
        throw tooMany('this identity', take.retryAfterSeconds)
      }
      onDecision('admitted')
    },
  }

  async function admitByRules(rules: Policy, facts: EntryFacts, address: string): Promise<boolean> {
    const { allowed, rule, isVouched } = await decide(rules, facts, address)
    if (allowed) return isVouched
    onDecision('denied')
    throw new AdmissionError(
      'denied',
      rule === undefined
        ? 'no rule of this log admits the entry'
        : `the entry is refused by the rule ${JSON.stringify(rule)} of this log`,
    )
  }
}

function tooMany(who: string, retryAfterSeconds: number): AdmissionError {
  return new AdmissionError('too_many', `too many entries from ${who}; try again in ${retryAfterSeconds} s`, {
    retryAfterSeconds,
  })
}

/** Names that nobody vouches for are the sender's invention: they must not use up somebody else's limit. */
function identityKeys({ identities }: EntryFacts, isVouched: boolean): ReadonlySet<string> {
  return new Set(
    identities.map(({ subjects, tokenIssuer, keyHash, spki }) =>
      isVouched && subjects.length > 0
        ? JSON.stringify([tokenIssuer, ...subjects])
        : spki === undefined
          ? keyHash
          : Buffer.from(spki).toString('base64'),
    ),
  )
}

/** Whoever has one IPv6 address has 2^64 of them. */
function addressKey(address: string): string {
  if (!isIPv6(address)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
