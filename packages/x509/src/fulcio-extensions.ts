/** Fulcio's own extensions (its oid-info): who issued the identity token, and what a CI job told about itself. */
import { der, derTag, parseUtf8, readOnlyDer, utf8 } from '@sigstack/crypto'
import { type Certificate, extensionValue } from './certificate.ts'
import { X509Error } from './errors.ts'
import type { Extension } from './extension.ts'
import { fulcioArc } from './oids.ts'

const issuerOid = `${fulcioArc}.8`
const rawIssuerOid = `${fulcioArc}.1`

/** Empty values are left out of the certificate. */
export type FulcioClaims = { readonly issuer: string } & { readonly [name in FulcioClaim]?: string }

export type FulcioClaim = (typeof rawClaims)[number][1] | (typeof derClaims)[number][1]

/** Numbers 1 to 6 hold the bare text; number 1 repeats the issuer. */
const rawClaims = [
  [2, 'githubWorkflowTrigger'],
  [3, 'githubWorkflowSha'],
  [4, 'githubWorkflowName'],
  [5, 'githubWorkflowRepository'],
  [6, 'githubWorkflowRef'],
] as const

/** Numbers 8 to 24 hold a DER UTF8String; number 8 is the issuer. */
const derClaims = [
  [9, 'buildSignerUri'],
  [10, 'buildSignerDigest'],
  [11, 'runnerEnvironment'],
  [12, 'sourceRepositoryUri'],
  [13, 'sourceRepositoryDigest'],
  [14, 'sourceRepositoryRef'],
  [15, 'sourceRepositoryIdentifier'],
  [16, 'sourceRepositoryOwnerUri'],
  [17, 'sourceRepositoryOwnerIdentifier'],
  [18, 'buildConfigUri'],
  [19, 'buildConfigDigest'],
  [20, 'buildTrigger'],
  [21, 'runInvocationUri'],
  [22, 'sourceRepositoryVisibilityAtSigning'],
  [23, 'deploymentEnvironment'],
  [24, 'subject'],
] as const

/** In ascending order of their numbers, none of them critical. */
export function fulcioExtensions(claims: FulcioClaims): readonly Extension[] {
  if (claims.issuer === '')
    throw new X509Error('missing_issuer', 'extensions must have a non-empty issuer url')
  const extensions: Extension[] = [extension(1, rawText(claims.issuer))]
  for (const [number, name] of rawClaims) {
    const text = claims[name]
    if (text !== undefined && text !== '') extensions.push(extension(number, rawText(text)))
  }
  extensions.push(extension(8, derText(claims.issuer)))
  for (const [number, name] of derClaims) {
    const text = claims[name]
    if (text !== undefined && text !== '') extensions.push(extension(number, derText(text)))
  }
  return extensions
}

/** One of {@link fulcioExtensions} in words: its number in the arc, what it is called, and its text. */
export function describeFulcioExtension({ oid, value }: Extension): {
  readonly oid: string
  readonly name: string
  readonly value: string
} {
  const number = Number(oid.slice(fulcioArc.length + 1))
  const known = [[1, 'issuer'], [8, 'issuer'], ...rawClaims, ...derClaims] as const
  const name = known.find(([candidate]) => candidate === number)?.[1] ?? 'unknown'
  const text = number <= 6 ? value : readOnlyDer(value, derTag.utf8String).content
  return { oid, name, value: parseUtf8(text) ?? '' }
}

/**
 * Who issued the identity token: extension 8, or 1 where that is not there; `undefined` without both. Throws an X509Error or a
 * CryptoError where it cannot be read, since nobody should then be taken for somebody else.
 */
export function fulcioIssuer(certificate: Pick<Certificate, 'extensions'>): string | undefined {
  const encoded = extensionValue(certificate, issuerOid)
  const bytes =
    encoded === undefined
      ? extensionValue(certificate, rawIssuerOid)
      : readOnlyDer(encoded, derTag.utf8String).content
  if (bytes === undefined || bytes.length === 0) return undefined
  const issuer = parseUtf8(bytes)
  if (issuer === undefined)
    throw new X509Error('bad_extension', 'the issuer of the identity token is not UTF-8')
  return issuer
}

function extension(number: number, value: Uint8Array): Extension {
  return { oid: `${fulcioArc}.${number}`, critical: false, value }
}

function rawText(text: string): Uint8Array {
  // A lone surrogate has no UTF-8 form; replacing it would certify something that was never claimed.
  if (!text.isWellFormed()) throw new X509Error('bad_extension', 'a claim holds a lone surrogate')
  return utf8(text)
}

function derText(text: string): Uint8Array {
  return der(derTag.utf8String, rawText(text))
}
