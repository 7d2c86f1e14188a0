/** Which services to sign with, out of a signing config (sigstore_trustroot.proto, SigningConfig). */
import type { OpenValidityPeriod, Service, ServiceConfiguration, SigningConfig } from '@sigstack/trust-root'
import { SigningError } from '../errors.ts'

export type SigningServices = {
  readonly caUrl: string
  readonly logs: readonly LogService[]
  readonly tsaUrls: readonly string[]
}

/** A transparency log, by the API that it speaks. */
export type LogService = { readonly url: string; readonly majorApiVersion: LogVersion }
export type LogVersion = 1 | 2

export type LogOptions = {
  /** The highest that some log has is taken; default both. */
  readonly logVersions?: readonly LogVersion[]
}

/** What a signature with a certificate of the authority needs. Throws `bad_trust`, here and below. */
export function selectServices(config: SigningConfig, now: Date): SigningServices {
  const services = { caUrl: selectAuthority(config, now), ...selectWitnesses(config, now) }
  if (services.logs.length === 0) throw noLog(bothVersions)
  return services
}

export function selectAuthority(config: SigningConfig, now: Date): string {
  const [ca] = usable(config.caUrls, 1, now)
  if (ca !== undefined) return ca.url
  throw new SigningError('bad_trust', 'the signing config names no certificate authority that is valid now')
}

/** Where a person signs in; undefined where the config leaves that to others. */
export function selectIssuer(config: SigningConfig, now: Date): string | undefined {
  return usable(config.oidcUrls, 1, now)[0]?.url
}

/**
 * Who vouches. A config that names no log at all wants none; one whose logs cannot be used now is refused.
 */
export function selectWitnesses(
  config: SigningConfig,
  now: Date,
  { logVersions = bothVersions }: LogOptions = {},
): Pick<SigningServices, 'logs' | 'tsaUrls'> {
  const { rekorTlogUrls, rekorTlogConfig, tsaUrls, tsaConfig } = config
  // Logs of several versions are never taken at once.
  const version = logVersions
    .toSorted((a, b) => b - a)
    .find((each) => usable(rekorTlogUrls, each, now).length > 0)
  if (version === undefined && rekorTlogUrls.length > 0 && rekorTlogConfig !== undefined)
    throw noLog(logVersions)
  const urlsOfLogs =
    version === undefined
      ? []
      : chooseSeveral(usable(rekorTlogUrls, version, now), rekorTlogConfig, 'transparency log')
  return {
    logs: urlsOfLogs.map((url) => ({ url, majorApiVersion: version ?? 1 })),
    tsaUrls: chooseSeveral(usable(tsaUrls, 1, now), tsaConfig, 'timestamp authority'),
  }
}

const bothVersions: readonly LogVersion[] = [1, 2]

function noLog(versions: readonly LogVersion[]): SigningError {
  return new SigningError(
    'bad_trust',
    `the signing config names no transparency log of API version ${versions.join(' or ')} that is valid now`,
  )
}

/** @param services Newest first. */
function chooseSeveral(
  services: readonly Service[],
  configuration: ServiceConfiguration | undefined,
  what: string,
): readonly string[] {
  if (configuration === undefined) return []
  const operators = new Set<string>()
  const onePerOperator = services.filter(({ operator = '' }) => {
    if (operators.has(operator)) return false
    operators.add(operator)
    return true
  })
  const wanted =
    configuration.selector === 'ANY'
      ? 1
      : configuration.selector === 'ALL'
        ? onePerOperator.length
        : (configuration.count ?? 1)
  if (onePerOperator.length < wanted) {
    throw new SigningError(
      'bad_trust',
      `the signing config demands ${wanted} ${what} service(s), but only ${onePerOperator.length} can be used now`,
    )
  }
  return onePerOperator.slice(0, wanted).map(({ url }) => url)
}

const startOf = ({ validFor }: Service) => validFor?.start?.getTime() ?? 0

/** Of a version, newest first. Both ends of a window count. */
function usable(services: readonly Service[], version: LogVersion, now: Date): readonly Service[] {
  return services
    .filter(({ majorApiVersion, validFor }) => majorApiVersion === version && covers(validFor, now))
    .toSorted((a, b) => startOf(b) - startOf(a))
}

function covers({ start, end }: OpenValidityPeriod = {}, now: Date): boolean {
  return (start === undefined || start <= now) && (end === undefined || now <= end)
}
