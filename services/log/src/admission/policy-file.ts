/** The file of rules: YAML or JSON, with the CA certificates that it names. Read again when one of them changes. */
import { readFile } from 'node:fs/promises'
import { BlockList, isIP } from 'node:net'
import path from 'node:path'
import { parsePemBlocks } from '@sigstack/crypto'
import { entryKinds } from '@sigstack/rekor-entries'
import { type Reloading, reloadFromFiles } from '@sigstack/server'
import { type Certificate, parseCertificate } from '@sigstack/x509'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse as parseYaml } from 'yaml'
import { AdmissionError } from './errors.ts'
import { matchesGlob } from './glob.ts'
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
const PolicyFile = Type.Object(
  {
    default: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
    /** For every rule about certificates that names none of its own. */
    chain: Type.Optional(text),
    rules: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1, maxLength: 100 }),
          effect: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
          when: Type.Optional(When),
        },
        closed,
      ),
      { maxItems: 1_000 },
    ),
  },
  closed,
)
type When = Static<typeof When>

const mostBytes = 4 * 1024 * 1024

/** Throws {@link AdmissionError} `bad_policy` for the first thing that is wrong. Also gives the files it was made from. */
export async function readPolicy(file: string): Promise<{ policy: Policy; files: readonly string[] }> {
  const files = [file]
  const parsed = parseFile(await readBounded(file), file)
  const policy: Policy = {
    byDefault: parsed.default,
    rules: await Promise.all(parsed.rules.map((rule) => ruleOf(rule, parsed.chain))),
  }
  return { policy, files }

  async function ruleOf(
    { name, effect, when = {} }: Static<typeof PolicyFile>['rules'][number],
    chain?: string,
  ): Promise<Rule> {
    const bad = (reason: string) =>
      new AdmissionError('bad_policy', `${file}: rule ${JSON.stringify(name)}: ${reason}`)
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
      ...subjectCondition(when),
      ...(when.key !== undefined && {
        keys: new Set(listOf(when.key).map((key) => fingerprintOf(key, bad))),
      }),
      ...(chainFile !== undefined && { authorities: await readAuthorities(chainFile, bad) }),
    }
    return {
      name,
      effect,
      ...(when.kind !== undefined && { kinds: new Set(listOf(when.kind).map((kind) => kindOf(kind, bad))) }),
      ...(when.network !== undefined && { network: networkOf(listOf(when.network), bad) }),
      ...(Object.keys(signer).length > 0 && { signer }),
    }
  }

  async function readAuthorities(
    name: string,
    bad: (reason: string) => AdmissionError,
  ): Promise<readonly Certificate[]> {
    const chainFile = path.resolve(path.dirname(file), name)
    if (!files.includes(chainFile)) files.push(chainFile)
    try {
      const blocks = parsePemBlocks(await readBounded(chainFile)).filter(({ type }) => type === 'CERTIFICATE')
      if (blocks.length === 0) throw new Error('it holds no certificate')
      return blocks.map(({ der }) => parseCertificate(der))
    } catch (cause) {
      throw bad(`${chainFile} is no file of PEM certificates: ${messageOf(cause)}`)
    }
  }
}

export type FollowOptions = {
  readonly onReload: (policy: Policy) => void
  /** The rules before stay in force. */
  readonly onFault: (error: unknown) => void
  readonly pollMs?: number
}

/** The rules of `file` as they are now. The first reading must succeed. */
export async function followPolicy(file: string, options: FollowOptions): Promise<Reloading<Policy>> {
  let { policy, files } = await readPolicy(file)
  return reloadFromFiles<Policy>({
    ...options,
    paths: () => files,
    initial: policy,
    load: async () => {
      const read = await readPolicy(file)
      files = read.files
      policy = read.policy
      return policy
    },
  })
}

function parseFile(content: string, file: string): Static<typeof PolicyFile> {
  let value: unknown
  try {
    value = parseYaml(content, { prettyErrors: true })
  } catch (cause) {
    throw new AdmissionError('bad_policy', `${file} is neither YAML nor JSON: ${messageOf(cause)}`, { cause })
  }
  if (Value.Check(PolicyFile, value)) return value
  const complaints = Value.Errors(PolicyFile, value)
    .slice(0, 3)
    .map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
  throw new AdmissionError('bad_policy', `${file}: ${complaints.join('; ')}`)
}

function subjectCondition({ subject, subjectGlob, emailDomain }: When): Pick<SignerCondition, 'isSubject'> {
  if (subject === undefined && subjectGlob === undefined && emailDomain === undefined) return {}
  const exact = new Set(listOf(subject))
  const globs = listOf(subjectGlob)
  const domains = new Set(listOf(emailDomain).map((domain) => domain.toLowerCase()))
  return {
    isSubject: (name) =>
      exact.has(name) ||
      globs.some((glob) => matchesGlob(glob, name)) ||
      domains.has(/^[^\s@/]+@([^\s@/]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''),
  }
}

function fingerprintOf(key: string, bad: (reason: string) => AdmissionError): string {
  const hex = key
    .replace(/^sha256:/i, '')
    .replaceAll(':', '')
    .toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(hex)) throw bad(`${JSON.stringify(key)} is not the SHA-256 of a key in hex`)
  return hex
}

function kindOf(kind: string, bad: (reason: string) => AdmissionError): string {
  if (!(entryKinds as readonly string[]).includes(kind)) {
    throw bad(`there is no entry kind ${JSON.stringify(kind)}; there are ${entryKinds.join(', ')}`)
  }
  return kind
}

function networkOf(ranges: readonly string[], bad: (reason: string) => AdmissionError): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [, address = '', bits] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(range) ?? []
    const version = isIP(address)
    const width = version === 6 ? 128 : 32
    const prefix = Number(bits ?? width)
    if (version === 0 || prefix > width)
      throw bad(`${JSON.stringify(range)} is no address range like 10.0.0.0/8`)
    list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

async function readBounded(file: string): Promise<string> {
  let content: string
  try {
    content = await readFile(file, 'utf8')
  } catch (cause) {
    throw new AdmissionError('bad_policy', `${file} cannot be read: ${messageOf(cause)}`, { cause })
  }
  if (content.length > mostBytes)
    throw new AdmissionError('bad_policy', `${file} is larger than ${mostBytes} bytes`)
  return content
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
