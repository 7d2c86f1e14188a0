/** Which services to sign with, out of a signing config (sigstore_trustroot.proto, SigningConfig). */
import type { OpenValidityPeriod, Service, ServiceConfiguration, SigningConfig } from '@sigstack/trust-root'
import { CliError } from '../errors.ts'

export type SigningServices = {
  readonly caUrl: string
  readonly rekorUrls: readonly string[]
  readonly tsaUrls: readonly string[]
}

/** Both ends of a window count. Versions we do not speak are passed over, as the format wants it. */
export function selectServices(config: SigningConfig, now: Date): SigningServices {
  const ca = usable(config.caUrls, now)[0]
  if (ca === undefined) {
    throw new CliError('bad_trust', 'the signing config names no certificate authority that is valid now')
  }
  const rekorUrls = chooseSeveral(config.rekorTlogUrls, config.rekorTlogConfig, 'transparency log', now)
  if (rekorUrls.length === 0) {
    throw new CliError(
      'bad_trust',
      'the signing config names no transparency log of API version 1 that is valid now',
    )
  }
  return {
    caUrl: ca.url,
    rekorUrls,
    tsaUrls: chooseSeveral(config.tsaUrls, config.tsaConfig, 'timestamp authority', now),
  }
}

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
    throw new CliError(
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
