/** The CA's own configuration file as a list of issuers: one file for both, in Fulcio's format (YAML, or JSON). */
import { isObject } from '@sigstack/crypto'
import { parse as parseYaml } from 'yaml'
import { isPattern } from './issuer.ts'

export type IssuerLine = {
  readonly url: string
  readonly caCertificate?: string
  readonly allowPrivateNetwork: boolean
  readonly allowHttp: boolean
  readonly serviceAccountToken?: boolean
}

const exactNames = ['oidc-issuers', 'OIDCIssuers']
const patternNames = ['meta-issuers', 'MetaIssuers']
const typeNames = ['type', 'Type']
const caNames = ['ca-cert', 'CACert']

/** JSON, and YAML where it is no JSON. Throws what the reader of YAML throws. */
export function parseJsonOrYaml(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return parseYaml(text, { merge: true, maxAliasCount: 1000 })
  }
}

export function isFulcioFormat(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && [...exactNames, ...patternNames].some((name) => Object.hasOwn(value, name))
}

/** `privateIssuers` may be on private addresses, and may speak plain http where their URL says so: the format cannot say it. */
export function linesOfFulcioFormat(
  value: Readonly<Record<string, unknown>>,
  privateIssuers: readonly string[],
): readonly IssuerLine[] {
  return [...exactNames, ...patternNames].flatMap((name) => {
    const issuers = value[name] ?? {}
    if (!isObject(issuers)) throw new Error(`${name} must be a list of names and values`)
    return Object.entries(issuers).map(([url, issuer]) => lineOf(url, issuer, privateIssuers))
  })
}

function lineOf(url: string, issuer: unknown, privateIssuers: readonly string[]): IssuerLine {
  if (!isObject(issuer)) throw new Error(`the issuer ${url} must be a list of names and values`)
  const caCertificate = caNames
    .map((name) => issuer[name])
    .find((text) => text !== undefined && text !== null)
  if (caCertificate !== undefined && typeof caCertificate !== 'string')
    throw new Error(`ca-cert of ${url} must be a text`)
  const isPrivate = privateIssuers.includes(url)
  return {
    url,
    ...(typeof caCertificate === 'string' && caCertificate.trim() !== '' && { caCertificate }),
    allowPrivateNetwork: isPrivate,
    allowHttp: isPrivate && url.startsWith('http:'),
    // A cluster's issuer is on its own network; those that anybody can ask want no token and get none.
    ...(isPrivate &&
      !isPattern(url) &&
      typeNames.some((name) => issuer[name] === 'kubernetes') && {
        serviceAccountToken: true,
      }),
  }
}
