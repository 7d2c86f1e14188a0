/**
 * Published trust only grows: a key once listed stays listed, so that what it signed can be verified for
 * ever. A key that is no longer in use gets an end; one that comes back loses it again.
 */
import { equalBytes, parsePublicKey, sha256Hex } from '@sigstack/crypto'
import type {
  AuthorityToTrust,
  CertificateAuthority,
  LogToTrust,
  TrustedLog,
  TrustedRoot,
  TrustToPublish,
  ValidityPeriod,
} from '@sigstack/trust-root'
import type { Observed } from '../collection/collect.ts'
import { TrustError } from '../errors.ts'
import { serviceKinds } from '../service-kinds.ts'

export type MergeOptions = {
  readonly now: Date
  /** A new key is valid from so long before now, an old one until so long after. */
  readonly marginSeconds: number
  /** Where set: the start of new keys, in place of now less the margin. */
  readonly keysValidFrom?: Date
}

export function mergeTrust(
  published: TrustedRoot | undefined,
  observed: readonly Observed[],
  options: MergeOptions,
): TrustToPublish {
  const logs = (list: 'tlogs' | 'ctlogs') =>
    mergeLogs(published?.[list] ?? [], observedIn(list, observed), options)
  const authorities = (list: 'certificateAuthorities' | 'timestampAuthorities') => {
    const services = observedIn(list, observed)
    // Timestamp authorities of others are the operator's, who ends them by hand.
    const isOurs = (authority: CertificateAuthority) =>
      list === 'certificateAuthorities' || services.some(({ url }) => url === urlOf(authority))
    return mergeAuthorities(published?.[list] ?? [], services, { ...options, isOurs })
  }
  return {
    tlogs: logs('tlogs'),
    certificateAuthorities: authorities('certificateAuthorities'),
    // Without a CT log the list is empty, which tells verifiers so; one that was there keeps its place, with an end.
    ctlogs: logs('ctlogs'),
    timestampAuthorities: withNames(authorities('timestampAuthorities'), {
      published: published?.timestampAuthorities ?? [],
      urls: observedIn('timestampAuthorities', observed).map(({ url }) => url),
    }),
  }
}

/** The services that are listed there. */
export function observedIn(list: keyof TrustedRoot, observed: readonly Observed[]): readonly Observed[] {
  return observed.filter(({ kind }) => serviceKinds[kind].list === list)
}

function mergeLogs(
  published: readonly TrustedLog[],
  services: readonly Observed[],
  options: MergeOptions,
): readonly LogToTrust[] {
  const current = services.flatMap(({ logs }) =>
    logs.map(({ url, publicKey }) => ({ baseUrl: url, publicKey })),
  )
  const isCurrent = (log: TrustedLog) =>
    current.some(({ publicKey }) => equalBytes(log.publicKey, publicKey.spki))
  return [
    ...published
      .filter((log) => !isCurrent(log))
      .map((log) => ({
        baseUrl: log.baseUrl,
        publicKey: parsePublicKey(log.publicKey),
        validFor: ended(log.validFor, options),
      })),
    ...current.map(({ baseUrl, publicKey }) => {
      const known = published.find((log) => equalBytes(log.publicKey, publicKey.spki))
      return { baseUrl, publicKey, validFor: { start: known?.validFor.start ?? startOfNew(options) } }
    }),
  ]
}

function mergeAuthorities(
  published: readonly CertificateAuthority[],
  services: readonly Observed[],
  options: MergeOptions & { readonly isOurs: (authority: CertificateAuthority) => boolean },
): readonly AuthorityToTrust[] {
  // Where nobody of ours is listed, as among timestamp authorities, the list is the operator's, who ends them by hand.
  if (services.length === 0) return published.map(asPublished)
  const current = services.flatMap(({ url, chains }) => chains.map((chain) => ({ ...chain, uri: url })))
  const sameChain = (a: readonly Uint8Array[], b: readonly Uint8Array[]) =>
    a.length === b.length && a.every((der, position) => equalBytes(der, b[position] ?? new Uint8Array()))
  return [
    ...published
      .filter(({ chain }) => !current.some(({ certificates }) => sameChain(chain, certificates)))
      .map((authority) => {
        const kept = asPublished(authority)
        return options.isOurs(authority) ? { ...kept, validFor: ended(kept.validFor, options) } : kept
      }),
    ...current.map(({ uri, certificates: chain, validFor }) => {
      const known = published.find((authority) => sameChain(authority.chain, chain))
      const start = validFor?.start ?? known?.validFor.start ?? startOfNew(options)
      return { uri, chain, validFor: { start, ...(validFor?.end !== undefined && { end: validFor.end }) } }
    }),
  ]
}

/**
 * Verifiers count stamps by the URI of who made them, so of several chains behind one URL, as before and after a renewal, each
 * has a URI of its own: the first the URL itself, the others with a fragment that they keep.
 */
function withNames(
  authorities: readonly AuthorityToTrust[],
  {
    published,
    urls,
  }: { readonly published: readonly CertificateAuthority[]; readonly urls: readonly string[] },
): readonly AuthorityToTrust[] {
  const nameOf = ({ chain }: Pick<AuthorityToTrust, 'chain'>) => sha256Hex(chain[0] ?? '').slice(0, 16)
  const plain = new Map<string, string>()
  for (const authority of [...published, ...authorities]) {
    const { uri = '', chain } = authority
    if (!uri.includes('#') && !plain.has(uri)) plain.set(uri, nameOf({ chain }))
  }
  return authorities.map((authority) => {
    const url = urlOf(authority)
    if (!urls.includes(url)) return authority
    const name = nameOf(authority)
    return { ...authority, uri: plain.get(url) === name ? url : `${url}#${name}` }
  })
}

/** Without the fragment that tells chains behind it apart. */
function urlOf({ uri = '' }: { readonly uri?: string }): string {
  return uri.split('#')[0] ?? ''
}

function asPublished({ uri, chain, subject, validFor }: CertificateAuthority): AuthorityToTrust {
  const { start, end } = validFor
  if (uri === undefined || start === undefined) {
    throw new TrustError('data_unusable', 'an authority in the published trusted root lacks its uri or start')
  }
  return { uri, chain, subject, validFor: { start, ...(end && { end }) } }
}

function ended(validFor: ValidityPeriod, { now, marginSeconds }: MergeOptions): ValidityPeriod {
  return { start: validFor.start, end: validFor.end ?? wholeSecond(now.getTime() + marginSeconds * 1000) }
}

function startOfNew({ now, marginSeconds, keysValidFrom }: MergeOptions): Date {
  return keysValidFrom ?? wholeSecond(now.getTime() - marginSeconds * 1000)
}

/** Some readers of trust files stumble over fractions of seconds. */
export function wholeSecond(timeMs: number): Date {
  return new Date(Math.floor(timeMs / 1000) * 1000)
}
