/** Who may write: a list of rules of which the first that holds decides. Pure; see docs/operations/log-admission.md for the file. */
import type { BlockList } from 'node:net'
import { isIPv6 } from 'node:net'
import { CryptoError, sha256Hex } from '@sigstack/crypto'
import { type Certificate, parseCertificate, verifyChain, X509Error } from '@sigstack/x509'
import type { EntryFacts, SigningIdentity } from '../entries/signing-identity.ts'

export type Policy = {
  readonly byDefault: 'allow' | 'deny'
  readonly rules: readonly Rule[]
}

export type Rule = {
  readonly name: string
  readonly effect: 'allow' | 'deny'
  /** Those that are there must all hold; of a list one is enough. */
  readonly kinds?: ReadonlySet<string>
  readonly network?: BlockList
  readonly signer?: SignerCondition
}

/** What must hold of one and the same signer. */
export type SignerCondition = {
  readonly tokenIssuers?: ReadonlySet<string>
  /** One name of the certificate is enough. */
  readonly isSubject?: (subject: string) => boolean
  /** Lower-case hex SHA-256 of the SubjectPublicKeyInfo, or of the key's canonical form. */
  readonly keys?: ReadonlySet<string>
  /** Certificates that are trusted as they are; the signer's must chain to one of them. */
  readonly authorities?: readonly Certificate[]
}

export type Decision = {
  readonly allowed: boolean
  /** The rule that decided; `undefined` when none held. */
  readonly rule: string | undefined
  /** A trusted CA vouches for the names of the signers. */
  readonly isVouched: boolean
}

/** An `allow` rule holds when every signer meets its condition, a `deny` rule when any does. */
export async function decide(policy: Policy, facts: EntryFacts, address: string): Promise<Decision> {
  for (const rule of policy.rules) {
    if (!(await holds(rule, facts, address))) continue
    const isVouched = rule.signer?.authorities !== undefined
    return { allowed: rule.effect === 'allow', rule: rule.name, isVouched }
  }
  return { allowed: policy.byDefault === 'allow', rule: undefined, isVouched: false }
}

async function holds(rule: Rule, { kind, identities }: EntryFacts, address: string): Promise<boolean> {
  if (rule.kinds !== undefined && !rule.kinds.has(kind)) return false
  if (rule.network !== undefined && !rule.network.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'))
    return false
  const { signer } = rule
  if (signer === undefined) return true
  // The condition is on signers, and this kind of entry has none.
  if (identities.length === 0) return false
  const met = await Promise.all(identities.map((identity) => meets(signer, identity)))
  return rule.effect === 'allow' ? !met.includes(false) : met.includes(true)
}

async function meets(condition: SignerCondition, identity: SigningIdentity): Promise<boolean> {
  const { tokenIssuers, isSubject, keys, authorities } = condition
  if (tokenIssuers !== undefined && !tokenIssuers.has(identity.tokenIssuer ?? '')) return false
  if (isSubject !== undefined && !identity.subjects.some(isSubject)) return false
  if (keys !== undefined && !keys.has(identity.keyHash) && !keys.has(spkiHash(identity))) return false
  // Last, because it costs signatures.
  return authorities === undefined || isIssuedUnder(authorities, identity)
}

function spkiHash({ spki }: SigningIdentity): string {
  return spki === undefined ? '' : sha256Hex(spki)
}

/** At the time when the leaf began to be valid: it is short-lived, and the log says when the entry came. */
async function isIssuedUnder(
  authorities: readonly Certificate[],
  { chain }: SigningIdentity,
): Promise<boolean> {
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
