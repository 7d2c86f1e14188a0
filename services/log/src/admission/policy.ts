/** Who may write: a list of rules of which the first that holds decides. Pure; see docs/operations/log-admission.md for the file. */
import { CryptoError } from '@sigstack/crypto'
import type { AddressRanges } from '@sigstack/limits'
import { keyNamesOf, type VerifiedEntry, type Verifier } from '@sigstack/rekor-entries'
import { type Certificate, parseCertificate, verifyChain, X509Error } from '@sigstack/x509'

export type Policy = {
  readonly byDefault: 'allow' | 'deny'
  readonly rules: readonly Rule[]
  /** What the operator may have meant otherwise; a sentence each. */
  readonly notices: readonly string[]
  /** Asks CAs that are named by URL for their chains again; true when some are others now. */
  readonly refreshChains?: () => Promise<boolean>
}

export type Rule = {
  readonly name: string
  readonly effect: 'allow' | 'deny'
  /** Those that are there must all hold; of a list one is enough. */
  readonly kinds?: ReadonlySet<string>
  readonly network?: AddressRanges
  readonly signer?: SignerCondition
}

/** What must hold of one and the same signer. */
export type SignerCondition = {
  readonly tokenIssuers?: ReadonlySet<string>
  /** One name of the certificate is enough. */
  readonly isSubject?: (subject: string) => boolean
  /** Any name of a key, as `keyNamesOf` gives them. */
  readonly keys?: ReadonlySet<string>
  /** Certificates that are trusted as they are; the signer's must chain to one of them. `undefined`: not known yet. */
  readonly authorities?: () => readonly Certificate[] | undefined
}

export type Decision = {
  readonly allowed: boolean
  /** The rule that decided; `undefined` when none held. */
  readonly rule: string | undefined
  /** A trusted CA vouches for the names of the signers. */
  readonly isVouched: boolean
  /** Names fit a rule whose CA did not issue the certificate, by the chains that are known of it. */
  readonly isOfUnknownChain: boolean
}

/** What rules look at: what came out of the verification, and nothing that was read another time. */
export type Signed = Pick<VerifiedEntry, 'kind' | 'verifiers'>

/** An `allow` rule holds when every signer meets its condition, a `deny` rule when any does. */
export async function decide(policy: Policy, facts: Signed, address: string): Promise<Decision> {
  const seen = { isOfUnknownChain: false }
  for (const rule of policy.rules) {
    if (!(await holds(rule, facts, address, seen))) continue
    const isVouched = rule.signer?.authorities !== undefined
    return { allowed: rule.effect === 'allow', rule: rule.name, isVouched, ...seen }
  }
  return { allowed: policy.byDefault === 'allow', rule: undefined, isVouched: false, ...seen }
}

type Seen = { isOfUnknownChain: boolean }

async function holds(rule: Rule, { kind, verifiers }: Signed, address: string, seen: Seen): Promise<boolean> {
  if (rule.kinds !== undefined && !rule.kinds.has(kind)) return false
  // What is no address is outside of every network that may write, and inside of every one that may not.
  if (rule.network !== undefined && !(rule.network.has(address) ?? rule.effect === 'deny')) return false
  const { signer } = rule
  if (signer === undefined) return true
  // Nobody is known who signed it: a rule that denies by signer must be taken to mean it, one that allows not.
  if (verifiers.length === 0) return rule.effect === 'deny'
  const met = await Promise.all(verifiers.map((verifier) => meets(signer, verifier, rule.effect, seen)))
  return rule.effect === 'allow' ? !met.includes(false) : met.includes(true)
}

async function meets(
  condition: SignerCondition,
  verifier: Verifier,
  effect: Rule['effect'],
  seen: Seen,
): Promise<boolean> {
  const { tokenIssuers, isSubject, keys, authorities } = condition
  if (tokenIssuers !== undefined && !tokenIssuers.has(verifier.tokenIssuer ?? '')) return false
  if (isSubject !== undefined && !verifier.subjects.some(isSubject)) return false
  if (keys !== undefined && !keyNamesOf(verifier).some((name) => keys.has(name))) return false
  if (authorities === undefined) return true
  // Last, because it costs signatures.
  const known = authorities()
  if (known !== undefined && (await isIssuedUnder(known, verifier))) return true
  seen.isOfUnknownChain = true
  // As long as nobody knows whom the CA vouches for, nobody is let in by that, and nobody gets past.
  return known === undefined && effect === 'deny'
}

/** At the time when the leaf began to be valid: it is short-lived, and the log says when the entry came. */
async function isIssuedUnder(authorities: readonly Certificate[], { chain }: Verifier): Promise<boolean> {
  try {
    const certificates = chain.map(parseCertificate)
    const [leaf] = certificates
    if (leaf === undefined) return false
    await verifyChain(certificates, { roots: authorities, at: leaf.notBefore })
    return true
  } catch (error) {
    if (error instanceof X509Error || error instanceof CryptoError) return false
    throw error
  }
}
