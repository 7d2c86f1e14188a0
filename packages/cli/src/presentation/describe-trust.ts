import { X509Certificate } from 'node:crypto'
import { escaped, toHex } from '@sigstack/crypto'
import type { CertificateAuthority, OpenValidityPeriod, TrustedLog, TrustedRoot } from '@sigstack/trust-root'

const longestLine = 4096

/** A trusted root in words: one paragraph for each log and authority. */
export function describeTrust(root: TrustedRoot): string {
  const paragraphs = [
    ...root.certificateAuthorities.map((authority) => describeAuthority('Certificate authority', authority)),
    ...root.tlogs.map((log) => describeLog('Transparency log', log)),
    ...root.ctlogs.map((log) => describeLog('Certificate log', log)),
    ...root.timestampAuthorities.map((authority) => describeAuthority('Timestamp authority', authority)),
  ]
  return paragraphs.length === 0 ? 'Nothing is trusted.\n' : paragraphs.join('\n')
}

function describeLog(what: string, { baseUrl, keyDetails, logId, validFor }: TrustedLog): string {
  return paragraph(`${what} ${baseUrl}`, [
    ['valid', describeValidity(validFor)],
    ['key', keyDetails],
    ['log ID', toHex(logId)],
  ])
}

function describeAuthority(what: string, { uri, chain, validFor }: CertificateAuthority): string {
  return paragraph(`${what} ${uri ?? '(no URL)'}`, [
    ['valid', describeValidity(validFor)],
    ...chain.map((der): [string, string] => ['certificate', describeCertificate(der)]),
  ])
}

function describeCertificate(der: Uint8Array): string {
  try {
    const certificate = new X509Certificate(der)
    return `${certificate.subject.split('\n').join(', ')}, SHA-256 ${certificate.fingerprint256}`
  } catch {
    return 'cannot be read'
  }
}

function describeValidity({ start, end }: OpenValidityPeriod): string {
  return `from ${start?.toISOString() ?? 'ever'} ${end === undefined ? 'on' : `until ${end.toISOString()}`}`
}

function paragraph(title: string, lines: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...lines.map(([name]) => name.length))
  const all = [title, ...lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)]
  // Names and URLs are their publisher's, and bring no lines of their own.
  return `${all.map((line) => escaped(line, longestLine)).join('\n')}\n`
}
