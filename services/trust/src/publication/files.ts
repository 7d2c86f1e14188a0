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
} from '@sigstack/trust-root'
import type { Observed } from '../collection/collect.ts'
import type { Config, SigningLog } from '../config.ts'
import { oldNames, type SigningUrls, serviceKinds } from '../service-kinds.ts'
import { observedIn } from './merge.ts'

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
  const signingConfig = composeSigningConfig(trust, config, config.signingLog ?? 'v1')
  const active = (list: keyof TrustedRoot) =>
    observedIn(list, observed).flatMap(({ activeKey }) => activeKey ?? [])
  return {
    trustedRoot: buildTrustedRoot(trust),
    signingConfig: buildSigningConfig(signingConfig),
    signingConfigV2: buildSigningConfig(composeSigningConfig(trust, config, 'v2')),
    clientTrustConfig: buildClientTrustConfig(trust, signingConfig),
    rekorKey: keyInUse(trust.tlogs.filter(isOfKeyFiles(config)), active('tlogs')),
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
  signingLog: SigningLog,
): SigningConfig {
  const everything = [...trust.tlogs, ...trust.certificateAuthorities, ...trust.ctlogs]
  const start = new Date(Math.min(...everything.map(({ validFor }) => validFor.start.getTime())))
  const service = (url: string, majorApiVersion: number) => ({
    url,
    majorApiVersion,
    validFor: { start },
    operator,
  })
  const urls = (field: SigningUrls) =>
    services
      .filter(({ kind }) => serviceKinds[kind].signingUrls === field)
      .map(({ url, apiVersion }) => service(url, apiVersion))
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

/** Clients that know keys by files know Rekor v1 alone. */
function isOfKeyFiles({ services }: Pick<Config, 'services'>): (log: LogToTrust) => boolean {
  const urls = services.filter(({ kind }) => kind === 'rekorV2').map(({ url }) => url)
  return ({ baseUrl }) => !urls.includes(baseUrl)
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
