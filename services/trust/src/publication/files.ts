/** The published files as text; the same trust is the same bytes. */
import { encodePem, encodePublicKeyPem, equalBytes, type PublicKey, sha256Hex } from '@sigstack/crypto'
import {
  buildClientTrustConfig,
  buildSigningConfig,
  buildTrustedRoot,
  type LogToTrust,
  type Service,
  type SigningConfig,
  type TrustedRoot,
  type TrustToPublish,
  type ValidityPeriod,
} from '@sigstack/trust-root'
import type { Observed } from '../collection/collect.ts'
import type { Config, SigningLog } from '../config.ts'
import { oldNames, type SigningUrls, serviceKinds } from '../service-kinds.ts'
import { observedIn, wholeSecond } from './merge.ts'

export type FileName = keyof typeof fileNames

/** Below the service's URL, and below its data folder. */
export const fileNames = {
  trustedRoot: 'trusted_root.json',
  signingConfig: 'signing_config.v0.2.json',
  /** For clients that are to use Rekor v2, whatever the other says; upstream's name for it. */
  signingConfigV2: 'signing_config_rekor_v2.v0.2.json',
  clientTrustConfig: 'trust_config.json',
  rekorKey: 'keys/rekor.pub',
  ctKey: 'keys/ctfe.pub',
  caCertificates: 'keys/fulcio.crt.pem',
  tsaCertificates: 'keys/tsa.crt.pem',
} as const

export type Files = Readonly<Record<FileName, string>>

type ConfigToPublish = Pick<Config, 'services' | 'oidcIssuer' | 'operator' | 'signingLog'>

export function composeFiles(
  trust: TrustToPublish,
  config: ConfigToPublish,
  observed: readonly Observed[],
): Files {
  const signingConfig = composeSigningConfig(trust, config, observed, config.signingLog ?? 'v1')
  const active = (list: keyof TrustedRoot) =>
    observedIn(list, observed).flatMap(({ activeKey }) => activeKey ?? [])
  return {
    trustedRoot: buildTrustedRoot(trust),
    signingConfig: buildSigningConfig(signingConfig),
    signingConfigV2: buildSigningConfig(composeSigningConfig(trust, config, observed, 'v2')),
    clientTrustConfig: buildClientTrustConfig(trust, signingConfig),
    rekorKey: keyInUse(
      trust.tlogs.filter(({ baseUrl }) => !rekorV2Urls(observed).includes(baseUrl)),
      active('tlogs'),
    ),
    ctKey: keyInUse(trust.ctlogs, active('ctlogs')),
    caCertificates: trust.certificateAuthorities
      .toSorted((a, b) => b.validFor.start.getTime() - a.validFor.start.getTime())
      .map(({ chain }) => chainPem(chain))
      .join(''),
    // One, as clients take it: the chain that stamps now.
    tsaCertificates: chainPem(
      observedIn('timestampAuthorities', observed)[0]?.chains[0]?.certificates ??
        trust.timestampAuthorities.at(-1)?.chain ??
        [],
    ),
  }
}

function chainPem(chain: readonly Uint8Array[]): string {
  return chain.map((der) => encodePem('CERTIFICATE', der)).join('')
}

/**
 * Without a timestamp authority there is no `tsaConfig` either: JavaScript clients demand a service wherever
 * they see one.
 */
function composeSigningConfig(
  trust: TrustToPublish,
  { services, oidcIssuer, operator }: ConfigToPublish,
  observed: readonly Observed[],
  signingLog: SigningLog,
): SigningConfig {
  const everything = [...trust.tlogs, ...trust.certificateAuthorities, ...trust.ctlogs]
  const start = new Date(Math.min(...everything.map(({ validFor }) => validFor.start.getTime())))
  const service = (url: string, majorApiVersion: number, window: Partial<ValidityPeriod> = {}) => ({
    url,
    majorApiVersion,
    validFor: { start, ...window },
    operator,
  })
  const urls = (field: SigningUrls) =>
    services
      .filter(({ kind }) => serviceKinds[kind].signingUrls === field)
      .flatMap(({ kind, url, apiVersion }) => {
        const line = lineOf(observed, { kind, url })
        return line.length === 0
          ? [service(url, apiVersion)]
          : line.map((log) => service(log.url, apiVersion, log.window))
      })
  const tsaUrls = urls('tsaUrls')
  return {
    caUrls: urls('caUrls'),
    oidcUrls: [service(oidcIssuer, 1)],
    rekorTlogUrls: logsFor(signingLog, urls('rekorTlogUrls')),
    tsaUrls,
    rekorTlogConfig: { selector: 'ANY' },
    ...(tsaUrls.length > 0 && { tsaConfig: { selector: 'ANY' as const } }),
  }
}

/**
 * Clients take the highest version that they know, so those that are to use v1 are told of nothing else. With v2 the v1 log stays
 * listed, behind it, for clients that know no other.
 */
function logsFor(signingLog: SigningLog, logs: readonly Service[]): readonly Service[] {
  const v1 = logs.filter(({ majorApiVersion }) => majorApiVersion === 1)
  if (signingLog === 'v1' && v1.length > 0) return v1
  return logs.toSorted((a, b) => b.majorApiVersion - a.majorApiVersion)
}

/** Those that follow each other behind a service, but for the one that is only prepared; none where it tells of none. */
function lineOf(observed: readonly Observed[], { kind, url }: Pick<Observed, 'kind' | 'url'>) {
  const logs = observed.filter((each) => each.kind === kind && each.url === url).flatMap((each) => each.logs)
  return logs.flatMap((log) =>
    log.window === undefined || log.window === 'not yet'
      ? []
      : [{ url: log.url, window: inSeconds(log.window) }],
  )
}

function inSeconds({ start, end }: Partial<ValidityPeriod>): Partial<ValidityPeriod> {
  return {
    ...(start !== undefined && { start: wholeSecond(start.getTime()) }),
    ...(end !== undefined && { end: wholeSecond(end.getTime()) }),
  }
}

/** Clients that know keys by files know Rekor v1 alone. */
export function rekorV2Urls(observed: readonly Observed[]): readonly string[] {
  return observed.filter(({ kind }) => kind === 'rekorV2').flatMap(({ logs }) => logs.map(({ url }) => url))
}

/** One key, since many readers take only the first of a file: the active one, as a newer one may only be prepared; else the newest. */
function keyInUse(logs: readonly LogToTrust[], active: readonly PublicKey[]): string {
  const isActive = ({ publicKey }: LogToTrust) => active.some(({ spki }) => equalBytes(publicKey.spki, spki))
  const [first] = logs.toSorted(
    (a, b) =>
      Number(isActive(b)) - Number(isActive(a)) || b.validFor.start.getTime() - a.validFor.start.getTime(),
  )
  return first === undefined ? '' : encodePublicKeyPem(first.publicKey)
}

/** Every log key by a name that it keeps, whatever keys come after it; in PEM. */
export function keysByName({ tlogs, ctlogs }: TrustedRoot): ReadonlyMap<string, string> {
  const named = (kind: string, { publicKey }: { readonly publicKey: Uint8Array }) => {
    const pem = encodePem('PUBLIC KEY', publicKey)
    return [`keys/${keyFileName(kind, pem)}.pub`, pem] as const
  }
  return new Map([
    ...tlogs.map((log) => named(oldNames.tlogs.name, log)),
    ...ctlogs.map((log) => named(oldNames.ctlogs.name, log)),
  ])
}

/** As the files of older keys are called in the TUF repository. */
export function keyFileName(kind: string, pem: string): string {
  return `${kind}-${sha256Hex(pem).slice(0, 16)}`
}
