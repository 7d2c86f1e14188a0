/** Reading of issuance policies: the `policy` list of an issuer, and files that hold such lists by issuer. */
import { isObject, quoted } from '@sigstack/crypto'
import {
  globForRule,
  nameForDenial,
  normalDomain,
  normalDomainPattern,
  type RuleEffect,
} from '@sigstack/policy'
import { asFields, type Fields, IssuerConfigError } from './config-fields.ts'
import type { IssuerEntry, IssuerKind } from './identity.ts'
import { parseIssuerClaim } from './issuer-claim.ts'
import type { Condition, IssuancePolicy, Matcher, PolicyRule } from './policy.ts'

const mostRules = 1000
const longestPattern = 1024

/** What the short names stand for, by CI provider. A provider of one's own has none: its claims are named by themselves. */
const gitHubNames = {
  organization: 'repository_owner',
  repository: 'repository',
  ref: 'ref',
  environment: 'environment',
}
const gitLabNames = {
  organization: 'namespace_path',
  repository: 'project_path',
  ref: 'ref',
  environment: 'environment',
}
const shortNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'github-workflow': gitHubNames,
  'forgejo-workflow': gitHubNames,
  'gitlab-pipeline': gitLabNames,
  'buildkite-job': {
    organization: 'organization_slug',
    repository: 'pipeline_slug',
    ref: 'build_branch',
  },
  'codefresh-workflow': { organization: 'account_name', repository: 'scm_repo_url', ref: 'scm_ref' },
  'circleci-job': {
    repository: 'oidc.circleci.com/vcs-origin',
    ref: 'oidc.circleci.com/vcs-ref',
  },
  'buddy-pipeline': { organization: 'workspace_domain', repository: 'project_name', ref: 'ref' },
}
const short = new Set(['organization', 'repository', 'ref', 'environment'])

/** `value` is the list of rules; `provider` says what the short names stand for. Throws an IssuerConfigError. */
export function parsePolicy(value: unknown, owner: string, provider: string | undefined): IssuancePolicy {
  if (!Array.isArray(value) || value.length === 0)
    throw new IssuerConfigError(`the policy of ${owner} must be a list of rules`)
  if (value.length > mostRules)
    throw new IssuerConfigError(`the policy of ${owner} has more than ${mostRules} rules`)
  const rules = value.map((rule) => parseRule(rule, owner, provider))
  const names = rules.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new IssuerConfigError(`two rules of ${owner} have the name ${twice}`)
  return { rules }
}

/** The provider whose claims an issuer has, for the short names. */
export function providerNameOf(kind: IssuerKind): string | undefined {
  return kind.type === 'ci-provider' ? kind.providerName : kind.type
}

/**
 * A file of policies beside the configuration: `policies`, a list of rules by issuer URL or pattern as the configuration has
 * it, or `*` for every issuer. They come on top of what the issuers have. An issuer that is not configured is an error: a
 * slip in its name must not leave it without rules.
 */
export function withPolicyFile(issuers: readonly IssuerEntry[], value: unknown): readonly IssuerEntry[] {
  const top = asFields(value, 'the policy file')
  const unknown = Object.keys(top).find((name) => name !== 'policies')
  if (unknown !== undefined) throw new IssuerConfigError(`the policy file knows no ${unknown}`)
  const byIssuer = asFields(top['policies'], 'policies of the policy file')
  for (const url of Object.keys(byIssuer))
    if (url !== '*' && !issuers.some((issuer) => issuer.url === url))
      throw new IssuerConfigError(`the policy file has rules for ${url}, which is no configured issuer`)
  return issuers.map((issuer) => {
    const lists = [byIssuer['*'], byIssuer[issuer.url]].filter((list) => list !== undefined)
    const rules: unknown[] = lists.flatMap((list): unknown[] => {
      if (!Array.isArray(list))
        throw new IssuerConfigError(`the policy of ${issuer.url} must be a list of rules`)
      return list
    })
    if (rules.length === 0) return issuer
    const added = parsePolicy(rules, issuer.url, providerNameOf(issuer.kind))
    const names = new Set(issuer.policy?.rules.map(({ name }) => name))
    const twice = added.rules.find(({ name }) => names.has(name))
    if (twice !== undefined)
      throw new IssuerConfigError(`two rules of ${issuer.url} have the name ${twice.name}`)
    return { ...issuer, policy: { rules: [...(issuer.policy?.rules ?? []), ...added.rules] } }
  })
}

function parseRule(value: unknown, owner: string, provider: string | undefined): PolicyRule {
  const fields = asFields(value, `a rule of ${owner}`)
  const { name } = fields
  if (typeof name !== 'string' || name === '' || name.length > 200)
    throw new IssuerConfigError(`a rule of ${owner} has no name; refusals tell it`)
  const where = `the rule ${name} of ${owner}`
  const unknown = Object.keys(fields).find((key) => !['name', 'allow', 'deny'].includes(key))
  if (unknown !== undefined) throw new IssuerConfigError(`${where} knows no ${unknown}`)
  if ((fields['allow'] === undefined) === (fields['deny'] === undefined))
    throw new IssuerConfigError(`${where} must have allow or deny, and one of them only`)
  const effect = fields['allow'] === undefined ? 'deny' : 'allow'
  const conditions = parseConditions(asFields(fields[effect], where), where, provider).map((condition) => ({
    ...condition,
    matcher: forEffect(effect, condition.matcher),
  }))
  // An empty rule would allow or deny everybody: more likely a slip than a wish.
  if (conditions.length === 0) throw new IssuerConfigError(`${where} has no condition`)
  return { name, effect, conditions }
}

function parseConditions(fields: Fields, where: string, provider: string | undefined): readonly Condition[] {
  return Object.entries(fields).flatMap(([name, value]): readonly Condition[] => {
    if (name === 'claims')
      return Object.entries(asFields(value, `claims of ${where}`)).map(([claim, matcher]) => ({
        name: claim,
        path: claimPath(claim, where),
        emailDomain: false,
        matcher: parseMatcher(matcher, `${claim} of ${where}`),
      }))
    const matcher = parseMatcher(value, `${name} of ${where}`)
    if (name === 'email-domain' && provider !== 'email')
      // Elsewhere nobody has verified the address.
      throw new IssuerConfigError(`${where} says email-domain, which only issuers of type email have`)
    if (name === 'email-domain')
      return [{ name, path: ['email'], emailDomain: true, matcher: ofDomains(matcher, where) }]
    if (name === 'group') return [{ name, path: ['groups'], emailDomain: false, matcher }]
    if (name === 'subject') return [{ name, path: ['sub'], emailDomain: false, matcher }]
    if (!short.has(name)) throw new IssuerConfigError(`${where} knows no ${name}; claims go under "claims"`)
    const claim = provider === undefined ? undefined : shortNames[provider]?.[name]
    if (claim === undefined)
      throw new IssuerConfigError(
        `${where} says ${name}, which has no meaning for ${provider ?? 'this issuer'}; name the claim under "claims"`,
      )
    return [{ name, path: [claim], emailDomain: false, matcher }]
  })
}

/** A name is the whole name of a claim, dots and all; `$.a.b` goes into it. */
function claimPath(claim: string, where: string): readonly (string | number)[] {
  if (!claim.startsWith('$')) return [claim]
  try {
    return parseIssuerClaim(claim)
  } catch (cause) {
    throw new IssuerConfigError(`${claim} of ${where} must look like $.realm_access.roles`, { cause })
  }
}

/** A text or a list of texts must be met exactly; otherwise one of exact, prefix, glob and present. */
function parseMatcher(value: unknown, what: string): Matcher {
  if (!isObject(value)) return { kind: 'exact', values: texts(value, what) }
  const entries = Object.entries(value)
  const [kind, operand] = entries[0] ?? []
  if (entries.length === 1 && kind === 'present' && typeof operand === 'boolean')
    return { kind, expected: operand }
  if (entries.length === 1 && (kind === 'exact' || kind === 'prefix' || kind === 'glob'))
    return { kind, values: texts(operand, what) }
  throw new IssuerConfigError(`${what} must be a text, a list, or one of exact, prefix, glob and present`)
}

function texts(value: unknown, what: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0) throw new IssuerConfigError(`${what} is an empty list`)
  return list.map((item) => {
    const text = typeof item === 'number' || typeof item === 'boolean' ? String(item) : item
    if (typeof text !== 'string' || text === '' || text.length > longestPattern)
      throw new IssuerConfigError(`${what} must be a text of at most ${longestPattern} characters`)
    return text
  })
}

function forEffect(effect: RuleEffect, matcher: Matcher): Matcher {
  if (effect === 'allow' || matcher.kind === 'present') return matcher
  const { kind, values } = matcher
  const wide = kind === 'glob' ? values.map((glob) => globForRule(effect, glob)) : values
  return { kind, values: [...wide, ...wide.map(nameForDenial)] }
}

/** One spelling for the letter case, the dot of the root and letters of other scripts. */
function ofDomains(matcher: Matcher, where: string): Matcher {
  if (matcher.kind === 'present') return matcher
  const { kind, values } = matcher
  if (kind !== 'exact') return { kind, values: values.map(normalDomainPattern) }
  return {
    kind,
    values: values.map((text) => {
      const domain = normalDomain(text)
      if (domain === undefined)
        throw new IssuerConfigError(`${where} says email-domain ${quoted(text)}, which is no domain`)
      return domain
    }),
  }
}
