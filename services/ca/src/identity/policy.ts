/**
 * Issuance policies: which of the people and jobs that an issuer vouches for may have a certificate. Ours; Fulcio knows
 * nothing of it and ignores the section. A rule that denies and matches refuses, whatever else is there; where rules
 * allow, one of them must match; without rules everybody passes.
 */
import { memberAt, quoted } from '@sigstack/crypto'
import { domainOfEmail, matchesGlob, nameForDenial } from '@sigstack/policy'
import { IssuanceError } from '../refusals.ts'
import { type Claims, readClaim } from './claims.ts'
import { goText } from './go-text.ts'

/** One value, compared as text; of a claim that is a list any element may be the one. */
export type Matcher =
  | { readonly kind: 'exact'; readonly values: readonly string[] }
  | { readonly kind: 'prefix'; readonly values: readonly string[] }
  | { readonly kind: 'glob'; readonly values: readonly string[] }
  | { readonly kind: 'present'; readonly expected: boolean }

export type Condition = {
  /** As the rule has it, for messages. */
  readonly name: string
  /** Where the value stands in the token: names of members, outermost first. */
  readonly path: readonly (string | number)[]
  /** The domain of the address in place of the address, as `normalDomain` spells it. */
  readonly emailDomain: boolean
  readonly matcher: Matcher
}

export type PolicyRule = {
  readonly name: string
  readonly effect: 'allow' | 'deny'
  /** All must hold. */
  readonly conditions: readonly Condition[]
}

export type IssuancePolicy = { readonly rules: readonly PolicyRule[] }

export type PolicyDecision =
  | { readonly allowed: true; readonly rule: string | undefined }
  /** `rule` is undefined where rules allow and none matched; `tried` are their names. */
  | { readonly allowed: false; readonly rule: string | undefined; readonly tried: readonly string[] }

export function decide({ rules }: IssuancePolicy, claims: Claims): PolicyDecision {
  const matching = rules.filter(({ effect, conditions }) =>
    conditions.every((condition) => holds(condition, claims, effect)),
  )
  const denying = matching.find(({ effect }) => effect === 'deny')
  const allowRules = rules.filter(({ effect }) => effect === 'allow')
  const tried = allowRules.map(({ name }) => name)
  if (denying !== undefined) return { allowed: false, rule: denying.name, tried }
  const allowing = matching.find(({ effect }) => effect === 'allow')
  return allowing === undefined && allowRules.length > 0
    ? { allowed: false, rule: undefined, tried }
    : { allowed: true, rule: allowing?.name }
}

/** The rule that allowed, if any rule had to. Throws `policy_refused` with the name of the rule that decided. */
export function assertPermitted(policy: IssuancePolicy | undefined, claims: Claims): string | undefined {
  if (policy === undefined) return undefined
  const decision = decide(policy, claims)
  if (decision.allowed) return decision.rule
  throw new IssuanceError('policy_refused', explanation(decision), {
    ...(decision.rule !== undefined && { rule: decision.rule }),
  })
}

function explanation({ rule, tried }: PolicyDecision & { readonly allowed: false }): string {
  return rule === undefined
    ? `none of the rules that allow matches this identity: ${tried.map((name) => quoted(name)).join(', ')}`
    : `the rule ${quoted(rule)} denies it`
}

function holds(
  { path, emailDomain, matcher }: Condition,
  claims: Claims,
  effect: PolicyRule['effect'],
): boolean {
  const value = valueAt(claims, path)
  const isPresent = value !== undefined && value !== null
  if (matcher.kind === 'present') return isPresent === matcher.expected
  if (!isPresent) return false
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value]
  return elements.some((element) => {
    // Lists are short: a token has 16 KiB at most.
    if (typeof element === 'object') return false
    const text = goText(element as string | number | boolean)
    if (emailDomain) return matches(matcher, domainOfEmail(text) ?? '')
    return matches(matcher, text) || (effect === 'deny' && matches(matcher, nameForDenial(text)))
  })
}

function matches(matcher: Matcher & { readonly values: readonly string[] }, text: string): boolean {
  if (matcher.kind === 'prefix') return matcher.values.some((prefix) => text.startsWith(prefix))
  if (matcher.kind === 'glob') return matcher.values.some((glob) => matchesGlob(glob, text))
  return matcher.values.includes(text)
}

function valueAt(claims: Claims, path: readonly (string | number)[]): unknown {
  const [first, ...rest] = path
  return memberAt(readClaim(claims, String(first)), ...rest)
}
