/** How clients reach the services: what the published trust, the signing config and the logs' origins say. */
import { withoutEnd } from '@sigstack/crypto'
import { isLoopback, isWildcard, SettingsError, urlOf } from '@sigstack/server'
import type { Config } from './config.ts'

/** The services that clients reach, and their names in URLs and files. */
const publicServices = {
  ca: 'ca',
  rekor: 'rekor',
  rekorV2: 'rekor-v2',
  ct: 'ct',
  trust: 'trust',
  tsa: 'tsa',
  console: 'console',
  devIssuer: 'dev-issuer',
} as const
export type PublicService = keyof typeof publicServices
/** Those that others in this process ask. */
export type InsideService = Exclude<PublicService, 'devIssuer'>
/** How they are asked; undefined: it does not run. */
export type InsideUrls = Readonly<Partial<Record<InsideService, string | undefined>>>

/** What the operator says, and in which variable; undefined: they are reached where they listen. */
export type PublicUrls = Partial<Readonly<Record<PublicService | 'all', PublicUrl>>>
export type PublicUrl = { readonly url: string; readonly variable: string }

/** Stands for the service's name in SIGSTACK_PUBLIC_URL. */
const placeholder = '{service}'

const variableOf = {
  ca: 'SIGSTACK_CA_PUBLIC_URL',
  rekor: 'SIGSTACK_REKOR_PUBLIC_URL',
  rekorV2: 'SIGSTACK_REKOR_V2_PUBLIC_URL',
  ct: 'SIGSTACK_CT_PUBLIC_URL',
  trust: 'SIGSTACK_TRUST_PUBLIC_URL',
  tsa: 'SIGSTACK_TSA_PUBLIC_URL',
  console: 'SIGSTACK_CONSOLE_PUBLIC_URL',
  devIssuer: 'SIGSTACK_DEV_ISSUER_PUBLIC_URL',
  all: 'SIGSTACK_PUBLIC_URL',
} as const satisfies Record<PublicService | 'all', string>

/** Throws a `SettingsError`. */
export function readPublicUrls(
  values: Partial<Readonly<Record<(typeof variableOf)[PublicService | 'all'], string>>>,
): PublicUrls {
  const complaints: string[] = []
  const urls: Partial<Record<PublicService | 'all', PublicUrl>> = {}
  for (const [name, variable] of Object.entries(variableOf) as [
    PublicService | 'all',
    keyof typeof values,
  ][]) {
    const given = values[variable]
    if (given === undefined) continue
    const url = withoutEnd(given, '/')
    const complaint = complaintOf(url, name)
    if (complaint === undefined) urls[name] = { url, variable }
    else complaints.push(`${variable} ${complaint}`)
  }
  if (complaints.length > 0) throw new SettingsError(complaints)
  return urls
}

function complaintOf(url: string, name: PublicService | 'all'): string | undefined {
  const parsed = URL.parse(url.replaceAll(placeholder, 'service'))
  if (parsed === null) return 'must be an http or https URL'
  if (/[{}]/.test(url.replaceAll(placeholder, ''))) return `knows no placeholder but ${placeholder}`
  // Each service then has its own port behind the name.
  if (name === 'all' && !url.includes(placeholder) && url !== `${parsed.protocol}//${parsed.hostname}`)
    return `must be a scheme and a host alone, as each service has a port of its own there; with a port or a path it needs ${placeholder} in it, or one variable for each service`
  return undefined
}

/** As tile logs and CT logs are called by their URL: without its scheme. */
export function originOf(url: string): string {
  return url.replace(/^https?:\/\//, '')
}

/** A witness takes logs of one origin for one log. Rekor v1's names its shard, that of Rekor v2 is a host alone. Throws a `SettingsError`. */
export function demandOriginsApart(config: Config): void {
  const { witness, rekorV2, ctLog, ports } = config
  const urlOfLog = (service: 'rekorV2' | 'ct') => publicUrlOf(service, ports[service], config)
  const origin = originOf(urlOfLog('ct'))
  if (witness && rekorV2 && ctLog && new URL(urlOfLog('rekorV2')).hostname === origin)
    throw new SettingsError([
      `SIGSTACK_WITNESS=own tells logs apart by their origins, and Rekor v2 and the CT log are both ${origin}: ` +
        `name one of them by ${variableOf.rekorV2} or ${variableOf.ct}, or all by ${variableOf.all} with ${placeholder} in it`,
    ])
}

/** Without a slash at its end. */
export function publicUrlOf(
  service: PublicService,
  port: number,
  { host, publicUrls, tls }: Pick<Config, 'host' | 'publicUrls' | 'tls'>,
): string {
  const { [service]: own, all } = publicUrls
  if (own !== undefined) return own.url
  // The trial issuer is for this machine, unless somebody names its URL.
  const isTrial = service === 'devIssuer'
  if (all === undefined || isTrial)
    return urlOf(reachable(host), port, tls !== undefined && !isTrial ? 'https' : 'http')
  return all.url.includes(placeholder)
    ? all.url.replaceAll(placeholder, publicServices[service])
    : `${all.url}:${port}`
}

/** Who listens on every address is reached from this machine by loopback. */
export function reachable(host: string): string {
  if (!isWildcard(host)) return host
  return host.includes(':') ? '::1' : '127.0.0.1'
}

/** Where others in this process, and nobody else, reach it. */
export function loopbackOf(host: string): string {
  const near = reachable(host)
  return isLoopback(near) ? near : '127.0.0.1'
}
