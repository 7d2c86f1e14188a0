/**
 * Published trust only grows: a key once listed stays listed, so that what it signed can be verified for
 * ever. A key that is no longer in use gets an end; one that comes back loses it again.
 */
import { equalBytes, type PublicKey, parsePublicKey } from '@sigstack/crypto'
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

export type MergeOptions = {
  readonly publicUrls: { readonly ca: string; readonly rekor: string; readonly ct: string | undefined }
  readonly now: Date
  /** A new key is valid from so long before now, an old one until so long after. */
  readonly marginSeconds: number
  /** Where set: the start of new keys, in place of now less the margin. */
  readonly keysValidFrom?: Date
}

export function mergeTrust(
  published: TrustedRoot | undefined,
  observed: Observed,
  options: MergeOptions,
): TrustToPublish {
  const { publicUrls } = options
  return {
    tlogs: mergeLogs(published?.tlogs ?? [], publicUrls.rekor, observed.rekorKeys, options),
    certificateAuthorities: mergeAuthorities(
      published?.certificateAuthorities ?? [],
      publicUrls.ca,
      observed.chains,
      options,
    ),
    // Without a CT log the list is empty, which tells verifiers so; one that was there keeps its place, with an end.
    ctlogs: mergeLogs(
      published?.ctlogs ?? [],
      publicUrls.ct ?? '',
      observed.ctKey === undefined ? [] : [observed.ctKey],
      options,
    ),
    timestampAuthorities: (published?.timestampAuthorities ?? []).map(asPublished),
  }
}

function mergeLogs(
  published: readonly TrustedLog[],
  baseUrl: string,
  publicKeys: readonly PublicKey[],
  options: MergeOptions,
): readonly LogToTrust[] {
  const isCurrent = (log: TrustedLog) => publicKeys.some(({ spki }) => equalBytes(log.publicKey, spki))
  return [
    ...published
      .filter((log) => !isCurrent(log))
      .map((log) => ({
        baseUrl: log.baseUrl,
        publicKey: parsePublicKey(log.publicKey),
        validFor: ended(log.validFor, options),
      })),
    ...publicKeys.map((publicKey) => {
      const known = published.find((log) => equalBytes(log.publicKey, publicKey.spki))
      return { baseUrl, publicKey, validFor: { start: known?.validFor.start ?? startOfNew(options) } }
    }),
  ]
}

function mergeAuthorities(
  published: readonly CertificateAuthority[],
  uri: string,
  chains: Observed['chains'],
  options: MergeOptions,
): readonly AuthorityToTrust[] {
  const sameChain = (a: readonly Uint8Array[], b: readonly Uint8Array[]) =>
    a.length === b.length && a.every((der, position) => equalBytes(der, b[position] ?? new Uint8Array()))
  return [
    ...published
      .filter(({ chain }) => !chains.some(({ certificates }) => sameChain(chain, certificates)))
      .map(asPublished)
      .map((authority) => ({ ...authority, validFor: ended(authority.validFor, options) })),
    ...chains.map(({ certificates: chain, validFor }) => {
      const known = published.find((authority) => sameChain(authority.chain, chain))
      const start = validFor?.start ?? known?.validFor.start ?? startOfNew(options)
      return { uri, chain, validFor: { start, ...(validFor?.end !== undefined && { end: validFor.end }) } }
    }),
  ]
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
function wholeSecond(timeMs: number): Date {
  return new Date(Math.floor(timeMs / 1000) * 1000)
}
