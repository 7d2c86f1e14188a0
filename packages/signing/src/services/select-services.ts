/** Which services to sign with, out of a signing config (sigstore_trustroot.proto, SigningConfig). */
import type { OpenValidityPeriod, Service, ServiceConfiguration, SigningConfig } from '@sigstack/trust-root'
import { SigningError } from '../errors.ts'

export type SigningServices = {
  readonly caUrl: string
  readonly rekorUrls: readonly string[]
  readonly tsaUrls: readonly string[]
}

/** What a signature with a certificate of the authority needs. Throws `bad_trust`, here and below. */
export function selectServices(config: SigningConfig, now: Date): SigningServices {
  const services = { caUrl: selectAuthority(config, now), ...selectWitnesses(config, now) }
  if (services.rekorUrls.length === 0) throw noLog()
  return services
}

export function selectAuthority(config: SigningConfig, now: Date): string {
  const [ca] = usable(config.caUrls, now)
  if (ca !== undefined) return ca.url
  throw new SigningError('bad_trust', 'the signing config names no certificate authority that is valid now')
}

/** Where a person signs in; undefined where the config leaves that to others. */
export function selectIssuer(config: SigningConfig, now: Date): string | undefined {
  return usable(config.oidcUrls, now)[0]?.url
}

/**
 * Who vouches. A config that names no log at all wants none; one whose logs cannot be used now is refused.
 */
export function selectWitnesses(
  config: SigningConfig,
  now: Date,
): Pick<SigningServices, 'rekorUrls' | 'tsaUrls'> {
  const rekorUrls = chooseSeveral(config.rekorTlogUrls, config.rekorTlogConfig, 'transparency log', now)
  if (rekorUrls.length === 0 && config.rekorTlogUrls.length > 0) throw noLog()
  return { rekorUrls, tsaUrls: chooseSeveral(config.tsaUrls, config.tsaConfig, 'timestamp authority', now) }
}

function noLog(): SigningError {
  return new SigningError(
    'bad_trust',
    'the signing config names no transparency log of API version 1 that is valid now',
  )
}

/** Both ends of a window count. Versions we do not speak are passed over, as the format wants it. */
function chooseSeveral(
  services: readonly Service[],
  configuration: ServiceConfiguration | undefined,
  what: string,
  now: Date,
): readonly string[] {
  if (configuration === undefined) return []
  const operators = new Set<string>()
  const onePerOperator = usable(services, now).filter(({ operator = '' }) => {
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

function usable(services: readonly Service[], now: Date): readonly Service[] {
  return services
    .filter(({ majorApiVersion, validFor }) => majorApiVersion === 1 && covers(validFor, now))
    .toSorted((a, b) => startOf(b) - startOf(a))
}

function covers({ start, end }: OpenValidityPeriod = {}, now: Date): boolean {
  return (start === undefined || start <= now) && (end === undefined || now <= end)
}
