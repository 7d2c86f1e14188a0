/** The gate of a log: rules first, then limits. */
import { quoted, toBase64 } from '@sigstack/crypto'
import { createFirstTimes, type FirstTimes, type Limiter, networkOf, type Take } from '@sigstack/limits'
import { normalEmail } from '@sigstack/policy'
import { plainSignaturesOf, type VerifiedEntry, type Verifier } from '@sigstack/rekor-entries'
import type { AddressLimiter } from './address-limiter.ts'
import { AdmissionError } from './errors.ts'
import { decide, type Policy, type Signed } from './policy.ts'
import type { IdentifySender } from './senders.ts'

export type GateOptions = {
  /** The rules in force now; without it everybody may write. */
  readonly policy?: () => Policy
  readonly addressLimiter?: AddressLimiter
  /** By signer: the names in a certificate where a CA that the rules trust vouches for them, otherwise the key. */
  readonly identityLimiter?: Limiter
  /** Signatures that it has counted; by default in the memory of this gate. */
  readonly countedSignatures?: FirstTimes
  /** Where senders must be known; their limit then counts in place of the signers'. */
  readonly identifySender?: IdentifySender
  readonly onDecision?: (outcome: GateOutcome) => void
}

export type GateOutcome = 'admitted' | 'denied' | 'unknown_sender' | 'address_limited' | 'identity_limited'

export type Gate = {
  admitAddress(address: string): Promise<void>
  /** The sender, where that must be known. */
  admitSender(authorization: string | undefined): Promise<string | undefined>
  /** The log is asked only where it matters, whether the entry is new at most once. */
  admitEntry(entry: VerifiedEntry, address: string, log: WhatIsLogged, sender?: string): Promise<void>
}

export type WhatIsLogged = {
  isNew(): Promise<boolean>
  /** Whether an entry over the same has this signature, in its plain form. */
  hasSignature(verifier: Verifier, signature: Uint8Array): Promise<boolean>
}

export function createGate(options: GateOptions): Gate {
  const { policy, addressLimiter, identityLimiter, identifySender, onDecision = () => {} } = options
  const counted = options.countedSignatures ?? createFirstTimes()

  return {
    admitAddress: async (address) => {
      if (addressLimiter === undefined) return
      assertTaken(await addressLimiter.takeAddress(address), 'address')
    },
    admitSender: async (authorization) => {
      try {
        return await identifySender?.(authorization)
      } catch (error) {
        if (error instanceof AdmissionError) onDecision('unknown_sender')
        throw error
      }
    },
    admitEntry: async (entry, address, log, sender) => {
      if (entry.verifiers.length === 0) throw new Error('a verified entry has a verifier')
      const isVouched = policy === undefined ? false : await admitByRules(policy(), entry, address)
      // Everybody can send again what a log shows: only what is new is the signer's doing.
      if (identityLimiter !== undefined && (await log.isNew()))
        await (sender === undefined
          ? takeForSigners(identityLimiter, signersOf(entry, isVouched), networkOf(address), log)
          : takeFor(identityLimiter, `sender ${sender}`, 'identity'))
      onDecision('admitted')
    },
  }

  /** A signature counts once. What others make of it by changing what it does not cover counts for their network. */
  async function takeForSigners(
    limiter: Limiter,
    signers: Signers,
    network: string,
    log: WhatIsLogged,
  ): Promise<void> {
    const counting: string[] = []
    let isRepeated = false
    try {
      for (const [identity, signatures] of signers) {
        const isNew = signatures.size === 0 || (await hasNew(identity, signatures, log, counting))
        if (isNew) await takeFor(limiter, identity, 'identity')
        else isRepeated = true
      }
      if (isRepeated) await takeFor(limiter, `network ${network}`, 'address')
    } catch (error) {
      // It comes again, and counts then.
      await Promise.all(counting.map((key) => counted.forget(key)))
      throw error
    }
  }

  /** Whether nobody remembers one of them, here or in the log, which remembers longer. `counting` gets what is remembered by this. */
  async function hasNew(
    identity: string,
    signatures: Signatures,
    log: WhatIsLogged,
    counting: string[],
  ): Promise<boolean> {
    let isNew = false
    for (const [name, { verifier, signature }] of signatures) {
      const key = `${identity} ${name}`
      if (!(await counted.isFirst(key))) continue
      counting.push(key)
      if (!isNew) isNew = !(await log.hasSignature(verifier, signature))
    }
    return isNew
  }

  async function takeFor(limiter: Limiter, key: string, who: 'address' | 'identity'): Promise<void> {
    assertTaken(await limiter.take(key), who)
  }

  function assertTaken({ allowed, retryAfterSeconds }: Take, who: 'address' | 'identity'): void {
    if (allowed) return
    onDecision(`${who}_limited`)
    throw tooMany(`this ${who}`, retryAfterSeconds)
  }

  async function admitByRules(rules: Policy, entry: Signed, address: string): Promise<boolean> {
    let decision = await decide(rules, entry, address)
    // A CA that was rotated since it was last asked.
    if (decision.isOfUnknownChain && (await rules.refreshChains?.()))
      decision = await decide(rules, entry, address)
    const { allowed, rule, isVouched } = decision
    if (allowed) return isVouched
    onDecision('denied')
    throw new AdmissionError(
      'denied',
      rule === undefined
        ? 'no rule of this log admits the entry'
        : `the entry is refused by the rule ${quoted(rule)} of this log`,
    )
  }
}

function tooMany(who: string, retryAfterSeconds: number): AdmissionError {
  return new AdmissionError('too_many', `too many entries from ${who}; try again in ${retryAfterSeconds} s`, {
    retryAfterSeconds,
  })
}

type Signatures = ReadonlyMap<string, { readonly verifier: Verifier; readonly signature: Uint8Array }>

/** By identity, the signatures that it made. */
type Signers = ReadonlyMap<string, Signatures>

function signersOf({ verifiers }: Signed, isVouched: boolean): Signers {
  const signers = new Map<string, Map<string, { verifier: Verifier; signature: Uint8Array }>>()
  for (const verifier of verifiers) {
    const identity = identityOf(verifier, isVouched)
    const signatures = signers.get(identity) ?? new Map()
    signers.set(identity, signatures)
    const key = verifier.spki === undefined ? verifier.keyHash : toBase64(verifier.spki)
    for (const signature of plainSignaturesOf(verifier))
      signatures.set(`${key} ${toBase64(signature)}`, { verifier, signature })
  }
  return signers
}

/** Names that nobody vouches for are the sender's invention: they must not use up somebody else's limit. */
function identityOf(
  { subjects, tokenIssuer, keyHash, spki, fingerprints }: Verifier,
  isVouched: boolean,
): string {
  if (isVouched && subjects.length > 0)
    return JSON.stringify([tokenIssuer, ...subjects.map((name) => normalEmail(name) ?? name)])
  return spki === undefined ? (fingerprints?.[0] ?? keyHash) : toBase64(spki)
}
