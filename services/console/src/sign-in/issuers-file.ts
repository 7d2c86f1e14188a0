/** At whose issuers people sign in, from a file: `issuers`, a list of them, as JSON. */
import { isObject, parseStrictJson, quoted, StrictJsonError } from '@sigstack/crypto'
import { isLoopback, SettingsError } from '@sigstack/server'
import type { Expectation, Rule, Rules } from './rules.ts'

export type SignInIssuer = Rules & {
  /** For people. */
  readonly name: string
  readonly url: string
  readonly clientId: string
  /** Undefined: a public client, which PKCE alone protects. */
  readonly clientSecretFile?: string
  /** With blanks between. */
  readonly scope: string
}

const members = ['name', 'url', 'clientId', 'clientSecretFile', 'scopes', 'readers', 'operators']
const most = { bytes: 1_048_576, issuers: 20, rules: 1_000, names: 100_000, text: 2_048, name: 255 }

/** Throws a `SettingsError` that names the place. */
export function parseIssuers(text: string): readonly SignInIssuer[] {
  if (text.length > most.bytes) throw bad(`it is longer than ${most.bytes} characters`)
  let document: unknown
  try {
    document = parseStrictJson(Buffer.from(text), { mostNames: most.names })
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    throw bad(`it is no JSON: ${cause.message}`)
  }
  const list = isObject(document) && Object.keys(document).length === 1 ? document['issuers'] : undefined
  if (!Array.isArray(list) || list.length === 0 || list.length > most.issuers)
    throw bad(`it must have one member, issuers, which is a list of 1 to ${most.issuers}`)
  return list.map((issuer: unknown, at) => parseIssuer(issuer, `issuers[${at}]`))
}

function parseIssuer(value: unknown, at: string): SignInIssuer {
  if (!isObject(value)) throw bad(`${at} is no object`)
  const unknown = Object.keys(value).find((name) => !members.includes(name))
  if (unknown !== undefined) throw bad(`${at} has no member ${quoted(unknown, 50)}`)
  const url = issuerUrl(value['url'], at)
  const secretFile = value['clientSecretFile']
  const scopes = value['scopes'] ?? ['openid', 'email']
  if (!Array.isArray(scopes) || !scopes.includes('openid') || !scopes.every(isScope))
    throw bad(`${at}: scopes must be a list of scopes, of which one is openid`)
  return {
    name: value['name'] === undefined ? new URL(url).host : textOf(value['name'], `${at}: name`, most.name),
    url,
    clientId: textOf(value['clientId'], `${at}: clientId`),
    ...(secretFile !== undefined && { clientSecretFile: textOf(secretFile, `${at}: clientSecretFile`) }),
    scope: scopes.join(' '),
    readers: rulesOf(value['readers'], `${at}: readers`),
    operators: rulesOf(value['operators'], `${at}: operators`),
  }
}

/** Whoever can change what an issuer answers in the clear can be anybody. */
function issuerUrl(value: unknown, at: string): string {
  const url = typeof value === 'string' && value.length <= most.text ? URL.parse(value) : null
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (url === null || !isSafe || url.search !== '' || url.hash !== '' || url.username !== '')
    throw bad(`${at}: url must be an https URL without query, or http on this machine`)
  return String(value)
}

function rulesOf(value: unknown, at: string): readonly Rule[] {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.length > most.rules)
    throw bad(`${at} must be a list of at most ${most.rules} rules`)
  return value.map((rule: unknown) => {
    if (!isObject(rule) || !Object.values(rule).every(isExpectation))
      throw bad(`${at}: a rule is an object of claims with a text, true or false for each`)
    return rule as Rule
  })
}

function isExpectation(value: unknown): value is Expectation {
  return (
    typeof value === 'boolean' || (typeof value === 'string' && value !== '' && value.length <= most.text)
  )
}

/** RFC 6749 section 3.3. */
function isScope(value: unknown): boolean {
  return typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(value)
}

function textOf(value: unknown, at: string, longest = most.text): string {
  if (typeof value === 'string' && value !== '' && value.length <= longest) return value
  throw bad(`${at} must be a text of 1 to ${longest} characters`)
}

function bad(why: string): SettingsError {
  return new SettingsError([`CONSOLE_ISSUERS_FILE: ${why}`])
}
