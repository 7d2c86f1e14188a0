/** What the published trust lists, one row a key or chain, in words and with what comes next for it. */
import { X509Certificate } from 'node:crypto'
import { sha256Hex, toHex } from '@sigstack/crypto'
import type { CertificateAuthority, TrustedLog, TrustedRoot } from '@sigstack/trust-root'

export type TrustedKey = {
  readonly role: string
  readonly name: string
  readonly about: string
  /** SHA-256 of the key, or of the lowest certificate, hexadecimal. */
  readonly id: string
  readonly start?: Date
  readonly end?: Date
  readonly next: string
  readonly pem: string
}

const dayMs = 86_400_000

export function describeRoot(root: TrustedRoot, now: Date): readonly TrustedKey[] {
  return [
    ...root.certificateAuthorities.map((each) => authorityRow('Certificate authority', each, now)),
    ...root.tlogs.map((each) => logRow('Log', each, now)),
    ...root.ctlogs.map((each) => logRow('Log of certificates', each, now)),
    ...root.timestampAuthorities.map((each) => authorityRow('Timestamp authority', each, now)),
  ]
}

function logRow(
  role: string,
  { baseUrl, publicKey, keyDetails, logId, validFor }: TrustedLog,
  now: Date,
): TrustedKey {
  const body = Buffer.from(publicKey)
    .toString('base64')
    .replaceAll(/.{64}(?=.)/g, '$&\n')
  return {
    role,
    name: baseUrl,
    about: keyDetails,
    id: toHex(logId),
    ...validFor,
    next: nextOf(validFor, now),
    pem: `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`,
  }
}

/** Of a chain the certificate that ends first says what comes next. */
function authorityRow(
  role: string,
  { uri, subject, chain, validFor }: CertificateAuthority,
  now: Date,
): TrustedKey {
  const certificates = chain.flatMap((der) => readable(der))
  const ends = certificates
    .map(({ validToDate }) => validToDate)
    .toSorted((a, b) => a.getTime() - b.getTime())
  const end = [validFor.end, ends[0]]
    .filter((each) => each !== undefined)
    .toSorted((a, b) => a.getTime() - b.getTime())[0]
  const window = { ...validFor, ...(end !== undefined && { end }) }
  return {
    role,
    name: uri ?? '',
    about: `${subject.commonName ?? ''}${subject.organization === undefined ? '' : ` (${subject.organization})`}, ${chain.length} certificates`,
    id: sha256Hex(chain[0] ?? new Uint8Array()),
    ...window,
    next: nextOf(window, now),
    pem: certificates.map(String).join(''),
  }
}

function readable(der: Uint8Array): readonly X509Certificate[] {
  try {
    return [new X509Certificate(der)]
  } catch {
    return []
  }
}

function nextOf({ start, end }: { readonly start?: Date; readonly end?: Date }, now: Date): string {
  if (start !== undefined && start > now) return `begins on ${dayOf(start)}`
  if (end === undefined) return 'no end is set'
  const days = Math.floor((end.getTime() - now.getTime()) / dayMs)
  if (days < 0) return `ended on ${dayOf(end)}`
  return `ends on ${dayOf(end)}, in ${days} days`
}

export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}
