/** Whether what is trusted suffices to verify and to sign, now and for some time. Pure. */
import { X509Certificate } from 'node:crypto'
import { quoted, toHex, withoutEnd } from '@sigstack/crypto'
import type { CertificateAuthority, SigningConfig, TrustedLog, TrustedRoot } from '@sigstack/trust-root'
import { type Finding, failed, ok, warning } from './finding.ts'

const soonMs = 30 * 86_400_000

export function checkTrustedRoot(root: TrustedRoot, now: Date): readonly Finding[] {
  return [
    ...checkAuthorities(root.certificateAuthorities, 'certificate authority', now, (what) =>
      failed('trust', what, 'Signatures of people and jobs cannot be verified with this trust.'),
    ),
    ...checkLogs(root.tlogs, 'transparency log', now, '--insecure-ignore-tlog verifies without one.'),
    ...checkLogs(root.ctlogs, 'certificate log', now, '--insecure-ignore-sct verifies without one.'),
    ...checkAuthorities(root.timestampAuthorities, 'timestamp authority', now, (what) =>
      ok('trust', `${what}; logs of Rekor v2 alone need one`),
    ),
  ]
}

function checkLogs(logs: readonly TrustedLog[], what: string, now: Date, advice: string): readonly Finding[] {
  if (logs.length === 0) return [warning('trust', `no ${what}`, advice)]
  const current = logs.filter((log) => isCurrent(log, now))
  if (current.length === 0) return [nothingCurrent(what)]
  return current.map(({ baseUrl, keyDetails, logId, validFor }) =>
    validFor.start > now
      ? warning(
          'trust',
          `${what} ${quoted(baseUrl, 200)} begins at ${validFor.start.toISOString()}`,
          'Is the clock of this machine right?',
        )
      : ok(
          'trust',
          `${what} ${quoted(baseUrl, 200)}, key ${keyDetails}, log ID ${toHex(logId).slice(0, 16)}…`,
        ),
  )
}

function checkAuthorities(
  authorities: readonly CertificateAuthority[],
  what: string,
  now: Date,
  whenNone: (found: string) => Finding,
): readonly Finding[] {
  if (authorities.length === 0) return [whenNone(`no ${what}`)]
  const current = authorities.filter((authority) => isCurrent(authority, now))
  if (current.length === 0) return [nothingCurrent(what)]
  return current.map((authority) => checkChain(authority, what, now))
}

function isCurrent({ validFor }: Pick<CertificateAuthority, 'validFor'>, now: Date): boolean {
  return validFor.end === undefined || validFor.end >= now
}

function nothingCurrent(what: string): Finding {
  return failed(
    'trust',
    `every ${what} of it has an end that has passed`,
    'Fetch the trust anew: sigstack profile refresh.',
  )
}

function checkChain({ uri, chain }: CertificateAuthority, what: string, now: Date): Finding {
  const name = `${what} ${quoted(uri ?? '(no URL)', 200)}`
  const ends = chain.flatMap((der) => {
    try {
      return [new Date(new X509Certificate(der).validTo)]
    } catch {
      return []
    }
  })
  if (ends.length < chain.length)
    return failed(
      'trust',
      `${name}: a certificate cannot be read`,
      'Fetch the trust anew: sigstack profile refresh.',
    )
  const first = new Date(Math.min(...ends.map((end) => end.getTime())))
  const until = first.toISOString()
  if (first < now)
    return failed(
      'trust',
      `${name}: a certificate of its chain expired at ${until}`,
      'The operators rotate it (sigstack ca rotate); then fetch the trust anew.',
    )
  if (first.getTime() - now.getTime() < soonMs)
    return warning(
      'trust',
      `${name}: a certificate of its chain expires at ${until}`,
      'Ask its operators whether the next one is published.',
    )
  return ok('trust', `${name}, valid until ${until}`)
}

/** Whether the services that sign are those that are trusted. */
export function checkPieces(root: TrustedRoot, config: SigningConfig, now: Date): readonly Finding[] {
  const findings: Finding[] = []
  const advice = 'The instance publishes services and trust that do not fit; tell its operators.'
  const look = (what: string, urls: readonly string[], trusted: readonly string[]): void => {
    for (const url of urls)
      if (!trusted.some((each) => withoutEnd(each, '/') === withoutEnd(url, '/')))
        findings.push(
          warning('trust', `${what} ${quoted(url, 200)} signs, and is not in the trusted root`, advice),
        )
  }
  const current = (list: SigningConfig['caUrls']): readonly string[] =>
    list
      .filter(({ validFor }) => (validFor?.start ?? now) <= now && (validFor?.end ?? now) >= now)
      .map(({ url }) => url)
  const uris = (list: readonly CertificateAuthority[]): readonly string[] =>
    list.flatMap(({ uri }) => uri ?? [])
  look('the certificate authority', current(config.caUrls), uris(root.certificateAuthorities))
  look(
    'the log',
    current(config.rekorTlogUrls),
    root.tlogs.map(({ baseUrl }) => baseUrl),
  )
  look('the timestamp authority', current(config.tsaUrls), uris(root.timestampAuthorities))
  for (const [what, list] of [
    ['certificate authority', config.caUrls],
    ['transparency log', config.rekorTlogUrls],
    ['issuer of tokens', config.oidcUrls],
  ] as const)
    if (current(list).length === 0)
      findings.push(
        warning(
          'trust',
          `no ${what} to sign with now`,
          'Signing with a key needs none; for the rest ask the operators of the instance.',
        ),
      )
  return findings.length > 0 ? findings : [ok('trust', 'the services that sign are those that are trusted')]
}
