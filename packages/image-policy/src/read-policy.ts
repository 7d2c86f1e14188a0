/** The file of a policy: YAML or JSON, of which every member is known. */
import { CryptoError, isObject, parsePublicKeyPem, quoted, reasonOf } from '@sigstack/crypto'
import { VerificationError } from '@sigstack/verification'
import { parse as parseYaml } from 'yaml'
import { signerOf } from './conditions.ts'
import { badPolicy } from './errors.ts'
import { checkImagePattern } from './image-pattern.ts'
import type { ImagePolicy, Rule, Signer } from './policy.ts'

const longestFile = 4 << 20
const longestText = 4096
const longestKey = 16 << 10
const most = { rules: 100, images: 100, signers: 100, attestations: 20 } as const

/** Throws `bad_policy` that names the member which is wrong. */
export function readImagePolicy(text: string): ImagePolicy {
  if (text.length > longestFile) throw badPolicy(`the policy is larger than ${longestFile} bytes`)
  const file = membersOf(parse(text), 'the policy', [
    'version',
    'name',
    'mode',
    'otherwise',
    'signatures',
    'rules',
    'trustedRoot',
  ])
  if (file['version'] !== 1) throw badPolicy('version must be 1')
  const { trustedRoot } = file
  if (trustedRoot !== undefined && typeof trustedRoot !== 'string')
    throw badPolicy('trustedRoot must be the text of a trusted root')
  const rules = itemsOf(file['rules'], 'rules', most.rules).map((rule, at) => ruleOf(rule, `rules[${at}]`))
  demandDistinct(rules)
  return {
    name: labelOf(file['name'], 'name'),
    mode: wordOf(file['mode'] ?? 'enforce', 'mode', ['enforce', 'warn']),
    otherwise: wordOf(file['otherwise'] ?? 'allow', 'otherwise', ['allow', 'deny']),
    signatures: wordOf(file['signatures'] ?? 'bundle', 'signatures', ['bundle', 'legacy', 'both']),
    rules,
    ...(trustedRoot !== undefined && { trustedRoot }),
  }
}

function parse(text: string): unknown {
  try {
    // No anchors: a few lines of them stand for gigabytes.
    return parseYaml(text, { maxAliasCount: 0, prettyErrors: false })
  } catch (cause) {
    throw badPolicy(`the policy is no YAML: ${reasonOf(cause)}`, cause)
  }
}

function ruleOf(value: unknown, path: string): Rule {
  const rule = membersOf(value, path, ['name', 'images', 'signedBy', 'attestations', 'log'])
  const images = itemsOf(rule['images'], `${path}.images`, most.images).map((each, at) =>
    checkImagePattern(textOf(each, `${path}.images[${at}]`), `${path}.images[${at}]`),
  )
  const signedBy = itemsOf(rule['signedBy'], `${path}.signedBy`, most.signers).map((each, at) =>
    readSigner(each, `${path}.signedBy[${at}]`),
  )
  const attestations = itemsOf(rule['attestations'] ?? [], `${path}.attestations`, most.attestations, 0)
  return {
    name: labelOf(rule['name'], `${path}.name`),
    images,
    signedBy,
    attestations: attestations.map((each, at) => typeOf(each, `${path}.attestations[${at}]`)),
    log: wordOf(rule['log'] ?? 'required', `${path}.log`, ['required', 'off']),
  }
}

function readSigner(value: unknown, path: string): Signer {
  if (isObject(value) && Object.hasOwn(value, 'key')) {
    const { key } = membersOf(value, path, ['key'])
    return { key: keyOf(textOf(key, `${path}.key`, longestKey), `${path}.key`) }
  }
  const names = ['identity', 'identityPattern', 'sourceRepository', 'buildSigner', 'refPattern'] as const
  const members = membersOf(value, path, ['issuer', ...names])
  const signer: Signer = {
    issuer: textOf(members['issuer'], `${path}.issuer`),
    ...Object.fromEntries(
      names.flatMap((name) =>
        members[name] === undefined ? [] : [[name, textOf(members[name], `${path}.${name}`)]],
      ),
    ),
  }
  const { identity, identityPattern, sourceRepository, buildSigner } = signer
  if (identity !== undefined && identityPattern !== undefined)
    throw badPolicy(`${path} has an identity and a pattern for it; one of them says who it is`)
  if ((identity ?? identityPattern ?? sourceRepository ?? buildSigner) === undefined)
    throw badPolicy(
      `${path} says nobody: it needs an identity, an identityPattern, a sourceRepository, a buildSigner or a key`,
    )
  try {
    signerOf(signer)
  } catch (cause) {
    if (!(cause instanceof VerificationError)) throw cause
    throw badPolicy(`${path}.identityPattern: ${cause.message}`, cause)
  }
  return signer
}

function keyOf(pem: string, path: string): string {
  try {
    parsePublicKeyPem(pem)
    return pem
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw badPolicy(`${path} is no public key in PEM: ${cause.message}`, cause)
  }
}

function typeOf(value: unknown, path: string): string {
  const type = textOf(value, path)
  if (!URL.canParse(type)) throw badPolicy(`${path} is no predicate type: ${quoted(type, 100)} is no URI`)
  return type
}

function demandDistinct(rules: readonly Rule[]): void {
  const names = new Set<string>()
  for (const { name } of rules) {
    if (names.has(name)) throw badPolicy(`two rules have the name ${quoted(name)}`)
    names.add(name)
  }
}

function membersOf(
  value: unknown,
  path: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw badPolicy(`${path} must be a mapping`)
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw badPolicy(`${path} has a member ${quoted(unknown, 60)}; it may have ${known.join(', ')}`)
  return value
}

function itemsOf(value: unknown, path: string, limit: number, least = 1): readonly unknown[] {
  if (!Array.isArray(value) || value.length < least)
    throw badPolicy(`${path} must be a list${least > 0 ? ` of at least ${least}` : ''}`)
  if (value.length > limit) throw badPolicy(`${path} has more than ${limit} items`)
  return value
}

function textOf(value: unknown, path: string, longest = longestText): string {
  if (typeof value !== 'string' || value === '') throw badPolicy(`${path} must be a text that is not empty`)
  if (value.length > longest) throw badPolicy(`${path} is longer than ${longest} characters`)
  return value
}

function wordOf<Word extends string>(value: unknown, path: string, words: readonly Word[]): Word {
  const word = words.find((each) => each === value)
  if (word === undefined) throw badPolicy(`${path} must be one of ${words.join(', ')}`)
  return word
}

/** Short enough that names made of two of them, and a word, are names still. */
function labelOf(value: unknown, path: string): string {
  const text = textOf(value, path)
  if (text.length <= 60 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(text)) return text
  throw badPolicy(`${path} must be lower-case letters, digits and - in between, up to 60`)
}
