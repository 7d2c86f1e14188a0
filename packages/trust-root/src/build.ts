/**
 * Trust files as text. The members come in one fixed order and the lists are sorted by validity, so the
 * same trust is the same bytes. Only members that every client in use reads are written: no `operator`
 * and no `checkpointKeyId` in a trusted root.
 */

import { X509Certificate } from 'node:crypto'
import { noteKeyId } from '@sigstack/checkpoint'
import { keyFingerprint, type PublicKey, publicKeyDetails, toBase64 } from '@sigstack/crypto'
import { TrustRootError } from './errors.ts'
import { mediaTypes } from './media-types.ts'
import type {
  CertificateAuthority,
  OpenValidityPeriod,
  Service,
  ServiceConfiguration,
  SigningConfig,
  TrustedLog,
  TrustedRoot,
  ValidityPeriod,
} from './types.ts'

export type LogToTrust = {
  /** For a Rekor log its host is the origin that verifiers demand of checkpoints. */
  readonly baseUrl: string
  readonly publicKey: PublicKey
  readonly validFor: ValidityPeriod
}

export type AuthorityToTrust = {
  readonly uri: string
  /** DER, lowest certificate first, ending in a self-signed one. */
  readonly chain: readonly Uint8Array[]
  /** Left out: organization and common name of the first certificate's subject. */
  readonly subject?: CertificateAuthority['subject']
  readonly validFor: ValidityPeriod
}

export type TrustToPublish = {
  readonly tlogs: readonly LogToTrust[]
  readonly certificateAuthorities: readonly AuthorityToTrust[]
  readonly ctlogs: readonly LogToTrust[]
  readonly timestampAuthorities: readonly AuthorityToTrust[]
}

/** Throws a {@link TrustRootError} with `bad_chain` when a chain does not hang together. */
export function buildTrustedRoot(trust: TrustToPublish): string {
  return toText(trustedRootJson(trust))
}

export function buildSigningConfig(config: SigningConfig): string {
  return toText(signingConfigJson(config))
}

/** One file with both halves, as sigstore-python takes it with `--trust-config`. */
export function buildClientTrustConfig(trust: TrustToPublish, config: SigningConfig): string {
  return toText({
    mediaType: mediaTypes.clientTrustConfig,
    trustedRoot: trustedRootJson(trust),
    signingConfig: signingConfigJson(config),
  })
}

/**
 * A trusted root that was read, or put together by hand, as text. Log IDs and kinds of keys are what it says
 * they are; lists keep their order, and an empty one is left out, as Go's programs write it.
 */
export function encodeTrustedRoot(root: TrustedRoot): string {
  return toText({
    mediaType: mediaTypes.trustedRoot,
    ...filled('tlogs', root.tlogs, trustedLogJson),
    ...filled('certificateAuthorities', root.certificateAuthorities, trustedAuthorityJson),
    ...filled('ctlogs', root.ctlogs, trustedLogJson),
    ...filled('timestampAuthorities', root.timestampAuthorities, trustedAuthorityJson),
  })
}

/** The same for a signing config. */
export function encodeSigningConfig(config: SigningConfig): string {
  return toText({
    mediaType: mediaTypes.signingConfig,
    ...filled('caUrls', config.caUrls, serviceJson),
    ...filled('oidcUrls', config.oidcUrls, serviceJson),
    ...filled('rekorTlogUrls', config.rekorTlogUrls, serviceJson),
    ...(config.rekorTlogConfig && { rekorTlogConfig: configurationJson(config.rekorTlogConfig) }),
    ...filled('tsaUrls', config.tsaUrls, serviceJson),
    ...(config.tsaConfig && { tsaConfig: configurationJson(config.tsaConfig) }),
  })
}

function filled<Item>(name: string, items: readonly Item[], json: (item: Item) => Json): Json {
  return items.length === 0 ? {} : { [name]: items.map(json) }
}

type Json = { readonly [member: string]: unknown }

function trustedRootJson(trust: TrustToPublish): Json {
  return {
    mediaType: mediaTypes.trustedRoot,
    tlogs: oldestFirst(trust.tlogs).map((log) => logJson(log, transparencyLogId(log))),
    certificateAuthorities: oldestFirst(trust.certificateAuthorities).map(authorityJson),
    ctlogs: oldestFirst(trust.ctlogs).map((log) => logJson(log, keyFingerprint(log.publicKey))),
    timestampAuthorities: oldestFirst(trust.timestampAuthorities).map(authorityJson),
  }
}

/** Ed25519 logs are Rekor v2's, whose ID is the whole note key ID; all others go by their fingerprint. */
function transparencyLogId({ baseUrl, publicKey }: LogToTrust): Uint8Array {
  return publicKey.type === 'ed25519'
    ? noteKeyId(new URL(baseUrl).hostname, publicKey)
    : keyFingerprint(publicKey)
}

function logJson({ baseUrl, publicKey, validFor }: LogToTrust, logId: Uint8Array): Json {
  const keyDetails = publicKeyDetails(publicKey)
  return trustedLogJson({ baseUrl, publicKey: publicKey.spki, keyDetails, validFor, logId })
}

function trustedLogJson({ baseUrl, publicKey, keyDetails, validFor, logId }: TrustedLog): Json {
  return {
    ...(baseUrl !== '' && { baseUrl }),
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: toBase64(publicKey), keyDetails, validFor: validityJson(validFor) },
    logId: { keyId: toBase64(logId) },
  }
}

function authorityJson({ uri, chain, subject, validFor }: AuthorityToTrust): Json {
  const lowest = demandChain(uri, chain)
  return trustedAuthorityJson({ subject: subject ?? subjectOf(lowest), uri, chain, validFor })
}

function trustedAuthorityJson({ subject, uri, chain, validFor }: CertificateAuthority): Json {
  return {
    subject,
    ...(uri !== undefined && { uri }),
    certChain: { certificates: chain.map((der) => ({ rawBytes: toBase64(der) })) },
    validFor: validityJson(validFor),
  }
}

/** Some clients follow the list until a self-signed certificate and fail without one. Returns the lowest. */
export function demandChain(uri: string, chain: readonly Uint8Array[]): X509Certificate {
  const certificates = chain.map((der) => new X509Certificate(der))
  const [lowest] = certificates
  if (lowest === undefined) throw new TrustRootError('bad_chain', `the chain of ${uri} is empty`)
  certificates.forEach((certificate, position) => {
    const issuer = certificates[position + 1] ?? certificate
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
      throw new TrustRootError(
        'bad_chain',
        issuer === certificate
          ? `the chain of ${uri} does not end in a self-signed certificate`
          : `certificate ${position} in the chain of ${uri} was not issued by the next one`,
      )
    }
  })
  return lowest
}

export function subjectOf(certificate: X509Certificate): CertificateAuthority['subject'] {
  // One attribute a line, multi-valued ones joined; what matters to clients is only O and CN.
  const attribute = (name: string) =>
    certificate.subject
      .split('\n')
      .find((line) => line.startsWith(`${name}=`))
      ?.slice(name.length + 1)
  const organization = attribute('O')
  const commonName = attribute('CN')
  return { ...(organization && { organization }), ...(commonName && { commonName }) }
}

function signingConfigJson(config: SigningConfig): Json {
  return {
    mediaType: mediaTypes.signingConfig,
    caUrls: newestFirst(config.caUrls).map(serviceJson),
    oidcUrls: newestFirst(config.oidcUrls).map(serviceJson),
    rekorTlogUrls: newestFirst(config.rekorTlogUrls).map(serviceJson),
    tsaUrls: newestFirst(config.tsaUrls).map(serviceJson),
    ...(config.rekorTlogConfig && { rekorTlogConfig: configurationJson(config.rekorTlogConfig) }),
    ...(config.tsaConfig && { tsaConfig: configurationJson(config.tsaConfig) }),
  }
}

function serviceJson({ url, majorApiVersion, validFor, operator }: Service): Json {
  return {
    url,
    majorApiVersion,
    ...(validFor && { validFor: validityJson(validFor) }),
    ...(operator !== undefined && { operator }),
  }
}

function configurationJson({ selector, count }: ServiceConfiguration): Json {
  return { selector, ...(count !== undefined && { count }) }
}

function validityJson({ start, end }: OpenValidityPeriod): Json {
  return { ...(start && { start: timeText(start) }), ...(end && { end: timeText(end) }) }
}

/** Without a fraction when there is none, as other publishers write it. */
function timeText(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z')
}

const startOf = ({ validFor }: { readonly validFor?: OpenValidityPeriod }) => validFor?.start?.getTime() ?? 0

function oldestFirst<Item extends { readonly validFor: ValidityPeriod }>(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => startOf(a) - startOf(b))
}

function newestFirst(services: readonly Service[]): Service[] {
  return services.toSorted((a, b) => startOf(b) - startOf(a))
}

function toText(json: Json): string {
  return `${JSON.stringify(json, undefined, 2)}\n`
}
