/** The file of rules: YAML or JSON, with the CA certificates that it names. Read again when one of them changes. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeText, isObject, quoted, reasonOf } from '@sigstack/crypto'
import { type AddressRanges, LimitsError, parseRanges } from '@sigstack/limits'
import { domainOfEmail, globForRule, matchesGlob, nameForDenial, normalDomain } from '@sigstack/policy'
import { entryKinds } from '@sigstack/rekor-entries'
import { type Reloading, reloadFromFiles } from '@sigstack/server'
import { type Static, type TObject, Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse as parseYaml } from 'yaml'
import { type Chains, certificatesIn, fixedChains, isChainUrl, urlChains } from './chains.ts'
import { AdmissionError } from './errors.ts'
import type { Policy, Rule, SignerCondition } from './policy.ts'

const closed = { additionalProperties: false } as const
const text = Type.String({ minLength: 1, maxLength: 1024 })
const texts = Type.Union([text, Type.Array(text, { minItems: 1, maxItems: 10_000 })])

const When = Type.Object(
  {
    issuer: Type.Optional(texts),
    subject: Type.Optional(texts),
    subjectGlob: Type.Optional(texts),
    emailDomain: Type.Optional(texts),
    chain: Type.Optional(text),
    key: Type.Optional(texts),
    network: Type.Optional(texts),
    kind: Type.Optional(texts),
  },
  closed,
)
const RuleInFile = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    effect: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
    when: Type.Optional(When),
  },
  closed,
)
const PolicyFile = Type.Object(
  {
    default: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
    /** For every rule about certificates that names none of its own. */
    chain: Type.Optional(text),
    rules: Type.Array(RuleInFile, { maxItems: 1_000 }),
  },
  closed,
)
type When = Static<typeof When>

const mostBytes = 4 * 1024 * 1024

export type ReadPolicy = {
  readonly policy: Policy
  /** What it was made from. */
  readonly files: readonly string[]
}

/**
 * Throws {@link AdmissionError} `bad_policy` for the first thing that is wrong.
 *
 * @param chainsAt The chains of a CA by its URL; the same for the same URL, so that what is known of it survives a reload.
 */
export async function readPolicy(
  file: string,
  chainsAt: (url: string) => Chains = (url) => urlChains(url, () => {}),
): Promise<ReadPolicy> {
  const files = [file]
  const byUrl = new Map<string, Chains>()
  const parsed = parseFile(await readBounded(file), file)
  const rules = await Promise.all(parsed.rules.map((rule) => ruleOf(rule, parsed.chain)))
  const policy: Policy = {
    byDefault: parsed.default,
    rules,
    ...(byUrl.size > 0 && { refreshChains: () => refreshAll([...byUrl.values()]) }),
    notices: parsed.rules.filter(hasNarrowStar).map(({ name }) => narrowStar(name)),
  }
  return { policy, files }

  async function ruleOf(
    { name, effect, when = {} }: Static<typeof PolicyFile>['rules'][number],
    chain?: string,
  ): Promise<Rule> {
    const bad = (reason: string) =>
      new AdmissionError('bad_policy', `${file}: rule ${quoted(name)}: ${reason}`)
    const namesSigner = [when.issuer, when.subject, when.subjectGlob, when.emailDomain].some(
      (value) => value !== undefined,
    )
    const chainFile = when.chain ?? (namesSigner ? chain : undefined)
    // Anybody can make a certificate that says anything: only a CA's word makes its names true.
    if (effect === 'allow' && namesSigner && chainFile === undefined) {
      throw bad(
        "it allows by names in a certificate, so it needs a 'chain' with the CA that vouches for them",
      )
    }
    const signer: SignerCondition = {
      ...(when.issuer !== undefined && { tokenIssuers: new Set(listOf(when.issuer)) }),
      ...subjectCondition(when, effect, bad),
      ...(when.key !== undefined && {
        keys: new Set(listOf(when.key).map((key) => fingerprintOf(key, bad))),
      }),
      ...(chainFile !== undefined && { authorities: (await chainsOf(chainFile, bad)).current }),
    }
    return {
      name,
      effect,
      ...(when.kind !== undefined && { kinds: new Set(listOf(when.kind).map((kind) => kindOf(kind, bad))) }),
      ...(when.network !== undefined && { network: rangesOf(listOf(when.network), bad) }),
      ...(Object.keys(signer).length > 0 && { signer }),
    }
  }

  async function chainsOf(name: string, bad: (reason: string) => AdmissionError): Promise<Chains> {
    if (!isChainUrl(name))
      return fixedChains(await readCertificates(path.resolve(path.dirname(file), name), bad))
    if (!URL.canParse(name)) throw bad(`${quoted(name)} is no URL`)
    const known = byUrl.get(name)
    if (known !== undefined) return known
    const chains = chainsAt(name)
    byUrl.set(name, chains)
    await chains.refresh()
    return chains
  }

  async function readCertificates(chainFile: string, bad: (reason: string) => AdmissionError) {
    if (!files.includes(chainFile)) files.push(chainFile)
    try {
      return certificatesIn(await readBounded(chainFile))
    } catch (cause) {
      throw bad(`${chainFile} is no file of PEM certificates: ${reasonOf(cause)}`)
    }
  }
}

async function refreshAll(chains: readonly Chains[]): Promise<boolean> {
  return (await Promise.all(chains.map((each) => each.refresh()))).includes(true)
}

export type FollowOptions = {
  readonly onReload: (policy: Policy) => void
  /** The rules before stay in force. */
  readonly onFault: (error: unknown) => void
  /** Chains that are named by URL cannot be read; those before stay. */
  readonly onChainFault?: (error: unknown) => void
  readonly pollMs?: number
  /** Between the first tries to read chains that are named by URL; default 1000 ms. */
  readonly chainRetryMs?: number
}

/** A chain that a CA retired is forgotten by then; a new one is asked for when it is needed. */
const refreshMs = 60_000

/** The rules of `file` as they are now. The first reading must succeed. */
export async function followPolicy(file: string, options: FollowOptions): Promise<Reloading<Policy>> {
  const known = new Map<string, Chains>()
  const chainsAt = (url: string) => {
    const chains = known.get(url) ?? urlChains(url, options.onChainFault ?? (() => {}), options.chainRetryMs)
    known.set(url, chains)
    return chains
  }
  let { policy, files } = await readPolicy(file, chainsAt)
  const reloading = await reloadFromFiles<Policy>({
    ...options,
    paths: () => files,
    initial: policy,
    load: async () => {
      const read = await readPolicy(file, chainsAt)
      files = read.files
      policy = read.policy
      return policy
    },
  })
  const refreshing = setInterval(() => void policy.refreshChains?.(), refreshMs)
  refreshing.unref()
  return {
    ...reloading,
    stop: () => {
      clearInterval(refreshing)
      reloading.stop()
    },
  }
}

function parseFile(content: string, file: string): Static<typeof PolicyFile> {
  let value: unknown
  try {
    value = parseYaml(content, { prettyErrors: true })
  } catch (cause) {
    throw new AdmissionError('bad_policy', `${file} is neither YAML nor JSON: ${reasonOf(cause)}`, { cause })
  }
  if (Value.Check(PolicyFile, value)) {
    const names = value.rules.map(({ name }) => name)
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice === undefined) return value
    throw new AdmissionError('bad_policy', `${file}: two rules have the name ${quoted(twice)}`)
  }
  const stranger = unknownMember(value)
  if (stranger !== undefined) throw new AdmissionError('bad_policy', `${file}: ${stranger}`)
  const complaints = Value.Errors(PolicyFile, value)
    .slice(0, 3)
    .map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
  throw new AdmissionError('bad_policy', `${file}: ${complaints.join('; ')}`)
}

/** A misspelt member is what people do most, and a schema says it least. */
function unknownMember(value: unknown): string | undefined {
  const found = strangerIn(value, PolicyFile, 'the file')
  if (found !== undefined || !isObject(value) || !Array.isArray(value['rules'])) return found
  for (const [index, rule] of (value['rules'] as unknown[]).entries()) {
    if (!isObject(rule)) continue
    const { name } = rule
    const owner = typeof name === 'string' ? `rule ${quoted(name, 100)}` : `rule ${index + 1}`
    const inRule = strangerIn(rule, RuleInFile, owner) ?? strangerIn(rule['when'], When, owner)
    if (inRule !== undefined) return inRule
  }
  return undefined
}

function strangerIn(value: unknown, schema: TObject, owner: string): string | undefined {
  const known = Object.keys(schema.properties)
  const stranger = isObject(value) ? Object.keys(value).find((name) => !known.includes(name)) : undefined
  if (stranger === undefined) return undefined
  return `${owner} has a member ${quoted(stranger, 100)}, which nobody knows; there are ${known.join(', ')}`
}

/** A lone star, as it was written when stars went past slashes in every rule. */
function hasNarrowStar({ effect, when }: Static<typeof PolicyFile>['rules'][number]): boolean {
  return effect === 'allow' && listOf(when?.subjectGlob).some((glob) => /(?<!\*)\*(?!\*)/.test(glob))
}

function narrowStar(rule: string): string {
  return `rule ${quoted(rule)} allows by a pattern with *, which ends at a slash; ** goes past it`
}

function subjectCondition(
  { subject, subjectGlob, emailDomain }: When,
  effect: Rule['effect'],
  bad: (reason: string) => AdmissionError,
): Pick<SignerCondition, 'isSubject'> {
  if (subject === undefined && subjectGlob === undefined && emailDomain === undefined) return {}
  const written = listOf(subject)
  const patterns = listOf(subjectGlob).map((glob) => globForRule(effect, glob))
  const isDenial = effect === 'deny'
  const exact = new Set(isDenial ? [...written, ...written.map(nameForDenial)] : written)
  const globs = isDenial ? [...patterns, ...patterns.map(nameForDenial)] : patterns
  const isNamed = (name: string) => exact.has(name) || globs.some((glob) => matchesGlob(glob, name))
  const domains = new Set<string | undefined>(listOf(emailDomain).map((text) => domainIn(text, bad)))
  return {
    isSubject: (name) =>
      isNamed(name) || (isDenial && isNamed(nameForDenial(name))) || domains.has(domainOfEmail(name)),
  }
}

function domainIn(text: string, bad: (reason: string) => AdmissionError): string {
  const domain = normalDomain(text)
  if (domain === undefined) throw bad(`${quoted(text)} is no domain`)
  return domain
}

function fingerprintOf(key: string, bad: (reason: string) => AdmissionError): string {
  const hex = key
    .replace(/^sha256:/i, '')
    .replaceAll(':', '')
    .toLowerCase()
  // OpenPGP fingerprints of version 4 have 40 digits.
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(hex))
    throw bad(`${quoted(key)} is neither the SHA-256 of a key in hex nor an OpenPGP fingerprint`)
  return hex
}

function kindOf(kind: string, bad: (reason: string) => AdmissionError): string {
  if (!(entryKinds as readonly string[]).includes(kind)) {
    throw bad(`there is no entry kind ${quoted(kind)}; there are ${entryKinds.join(', ')}`)
  }
  return kind
}

function rangesOf(ranges: readonly string[], bad: (reason: string) => AdmissionError): AddressRanges {
  try {
    return parseRanges(ranges)
  } catch (error) {
    if (error instanceof LimitsError) throw bad(error.message)
    throw error
  }
}

async function readBounded(file: string): Promise<string> {
  let content: string
  try {
    content = decodeText(await readFile(file))
  } catch (cause) {
    throw new AdmissionError('bad_policy', `${file} cannot be read: ${reasonOf(cause)}`, { cause })
  }
  if (content.length > mostBytes)
    throw new AdmissionError('bad_policy', `${file} is larger than ${mostBytes} bytes`)
  return content
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}
