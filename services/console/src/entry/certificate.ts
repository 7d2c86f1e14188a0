/** A certificate in words, in the order in which somebody asks: who, vouched for by whom, when, out of which build. */
import { X509Certificate } from 'node:crypto'
import { asBuffer, derTag, type PublicKey, parseUtf8, readOnlyDer, toHex } from '@sigstack/crypto'
import {
  type Certificate,
  certificateSubjects,
  describeFulcioExtension,
  extensionOid,
  fulcioArc,
} from '@sigstack/x509'
import { LRUCache } from 'lru-cache'
import { attempt } from '../attempt.ts'

export type CertificateWords = {
  readonly rows: readonly CertificateRow[]
  /** What is unusual, one sentence each. */
  readonly warnings: readonly string[]
  /** Hexadecimal. */
  readonly serial: string
}

export type CertificateRow = {
  readonly name: string
  readonly value: string
  /** Where it leads, for values that are addresses of the web. */
  readonly href?: string
}

/** Numbers below Fulcio's arc in the order of telling; those that older ones repeat come with them. */
const claims: readonly (readonly [number, string, number?])[] = [
  [8, 'Identity provider', 1],
  [24, 'Subject of the token'],
  [9, 'Signed by workflow'],
  [10, 'Commit of that workflow'],
  [11, 'Runner'],
  [12, 'Source repository', 5],
  [13, 'Source commit', 3],
  [14, 'Branch or tag', 6],
  [15, 'Permanent ID of the repository'],
  [16, 'Owner of the source'],
  [17, 'Permanent ID of the owner'],
  [18, 'Build configuration'],
  [19, 'Commit of the build configuration'],
  [20, 'What started the build', 2],
  [21, 'The run'],
  [22, 'Visibility of the source when signed'],
  [23, 'Deployment environment'],
  [4, 'Name of the workflow'],
]

const standard: ReadonlySet<string> = new Set([
  ...Object.values(extensionOid),
  '2.5.29.14',
  '2.5.29.15',
  '2.5.29.35',
  '2.5.29.37',
])

export function describeCertificate(certificate: Certificate): CertificateWords {
  const told = new Map<number, string>()
  for (const { number, value } of fulcioValues(certificate)) told.set(number, value)
  const claimRows = claims.flatMap(([number, name, older]) => {
    const value = told.get(number) ?? (older === undefined ? undefined : told.get(older))
    return value === undefined || value === '' ? [] : [{ name, value, ...linkOf(value) }]
  })
  const names = subjectsOf(certificate)
  return {
    rows: [
      ...names.map((value) => ({ name: nameKind(value), value, ...linkOf(value) })),
      ...claimRows,
      { name: 'Issued by', value: issuerOf(certificate) },
      { name: 'Serial number', value: serialOf(certificate) },
      { name: 'Valid from', value: certificate.notBefore.toISOString() },
      { name: 'Valid until', value: certificate.notAfter.toISOString() },
      { name: 'Public key', value: keyWords(attempt(() => certificate.publicKey)) },
      ...unknownExtensions(certificate),
    ],
    warnings: warningsOf(told, names),
    serial: serialOf(certificate),
  }
}

/** By the DER of the name. There are few, and reading a certificate anew for one costs more than the rest of it. */
const issuers = new LRUCache<string, string>({ max: 100 })

function issuerOf({ issuer, der }: Certificate): string {
  const name = toHex(issuer)
  const words = issuers.get(name) ?? new X509Certificate(der).issuer.replaceAll('\n', ', ')
  issuers.set(name, words)
  return words
}

export function keyWords(key: PublicKey | undefined): string {
  switch (key?.type) {
    case 'ecdsa':
      return `ECDSA on ${key.curve}`
    case 'rsa':
      return `RSA of ${key.modulusBits} bits`
    case 'ed25519':
      return 'Ed25519'
    default:
      return 'of a kind that is not read here'
  }
}

function fulcioValues({ extensions }: Certificate): readonly { number: number; value: string }[] {
  return extensions.flatMap((extension) => {
    const number = Number(extension.oid.slice(fulcioArc.length + 1))
    if (!extension.oid.startsWith(`${fulcioArc}.`) || !claims.some((claim) => claim.includes(number)))
      return []
    try {
      const { value } = describeFulcioExtension(extension)
      return [{ number, value: value === '' ? `0x${toHex(extension.value)}` : value }]
    } catch {
      return [{ number, value: `0x${toHex(extension.value)}` }]
    }
  })
}

function subjectsOf(certificate: Certificate): readonly string[] {
  try {
    return certificateSubjects(certificate)
  } catch {
    return []
  }
}

function nameKind(value: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return 'Signed as (URI)'
  return value.includes('@') ? 'Signed as (e-mail)' : 'Signed as (name)'
}

function unknownExtensions({ extensions }: Certificate): readonly CertificateRow[] {
  return extensions
    .filter(
      ({ oid }) =>
        !standard.has(oid) && !claims.some((claim) => claim.some((part) => oid === `${fulcioArc}.${part}`)),
    )
    .map(({ oid, critical, value }) => ({
      name: `Extension ${oid}${critical ? ', critical' : ''}`,
      value: derText(value) ?? `0x${toHex(value.subarray(0, 256))}`,
    }))
}

function derText(value: Uint8Array): string | undefined {
  try {
    return parseUtf8(readOnlyDer(value, derTag.utf8String).content)
  } catch {
    return undefined
  }
}

function serialOf({ serialNumber }: Certificate): string {
  return asBuffer(serialNumber)
    .toString('hex')
    .replace(/^00(?=.)/, '')
}

/** Only what is an address of the web, spelt as it is shown. */
function linkOf(value: string): { readonly href?: string } {
  const url = value.startsWith('https://') ? URL.parse(value) : null
  return url !== null && value.startsWith(`https://${url.host}/`) ? { href: value } : {}
}

function warningsOf(told: ReadonlyMap<number, string>, names: readonly string[]): readonly string[] {
  const workflow = told.get(9)
  const trigger = told.get(20) ?? told.get(2) ?? ''
  return [
    ...(workflow !== undefined && names.length > 0 && !names.includes(workflow)
      ? ['The workflow that signed is another one than the name in the certificate.']
      : []),
    ...(trigger.startsWith('pull_request')
      ? ['A pull request started this build: whoever may open one chose what it built.']
      : []),
    ...(told.get(11) === 'self-hosted'
      ? ['The build ran on a machine of its owner, not of the provider.']
      : []),
    ...(told.get(22) === 'private' ? ['The source was private when this was signed.'] : []),
  ]
}
