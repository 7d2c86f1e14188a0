/**
 * What each service is told, a file for each. Every service reads its settings itself, by its own reader from the same environment, so
 * whatever it can be set to works in one process too; but for the few things that hold the stack together, which are decided here.
 */
import type { Config as CaConfig } from '@sigstack/ca'
import type { Config as ConsoleConfig } from '@sigstack/console'
import type { Config as DevIssuerConfig } from '@sigstack/dev-issuer'
import type { LogConfig } from '@sigstack/log'
import type { Config as MonitorConfig } from '@sigstack/monitor'
import type { Config as OidcProxyConfig } from '@sigstack/oidc-proxy'
import { collectComplaints, urlOf } from '@sigstack/server'
import type { Config as TrustConfig } from '@sigstack/trust'
import type { Config as TsaConfig } from '@sigstack/tsa'
import type { Config as WitnessConfig } from '@sigstack/witness'
import type { Config } from '../config.ts'
import { type InsideService, type InsideUrls, reachable } from '../public-urls.ts'
import { composeCa } from './ca.ts'
import { createComposition, type Places, type Reached } from './composition.ts'
import { composeConsole } from './console.ts'
import { composeDevIssuer } from './dev-issuer.ts'
import { assertTellsKeys, composeCt, composeRekor, composeRekorV2 } from './logs.ts'
import { composeMonitor } from './monitor.ts'
import { composeOidcProxy } from './oidc-proxy.ts'
import { composeTrust } from './trust.ts'
import { composeTsa } from './tsa.ts'
import { composeWitness } from './witness.ts'

export type Services = {
  readonly ca: CaConfig
  readonly rekor: LogConfig | undefined
  readonly rekorV2: LogConfig | undefined
  readonly ct: LogConfig | undefined
  readonly oidcProxy: OidcProxyConfig
  readonly trust: TrustConfig
  readonly tsa: TsaConfig | undefined
  readonly witness: WitnessConfig | undefined
  readonly devIssuer: DevIssuerConfig | undefined
  /** Its URL of a witness is put in when that runs. */
  readonly console: ConsoleConfig | undefined
  readonly monitor: MonitorConfig | undefined
  /** How the services, and commands on this machine, reach them. */
  readonly insideUrls: Readonly<Record<InsideService, string>>
  readonly publicUrls: Readonly<Record<InsideService, string>>
  /** Where each listens for clients on this machine. */
  readonly listenUrls: Readonly<Record<InsideService, string>>
}

/** Throws a `SettingsError` with everything that the services complain of. */
export function composeServices(config: Config, places: Places): Services {
  const { attempt, throwAny } = collectComplaints()
  const composition = createComposition(config, places, attempt)
  const { insideHost, insideUrl, publicUrl } = composition

  const ca = composeCa(composition)
  const rekor = config.rekorV1 ? composeRekor(composition) : undefined
  attempt(() => assertTellsKeys(rekor))
  const rekorV2 = config.rekorV2 ? composeRekorV2(composition) : undefined
  const ct = config.ctLog ? composeCt(composition, insideUrl('ca', ca)) : undefined
  const oidcProxy = composeOidcProxy(composition, ca)
  const tsa = config.tsa ? composeTsa(composition) : undefined
  const witness = config.witness ? composeWitness(composition) : undefined
  const keyHolders: InsideUrls = {
    ca: insideUrl('ca', ca),
    rekor: config.rekorV1 ? insideUrl('rekor', rekor) : undefined,
    rekorV2: config.rekorV2 ? insideUrl('rekorV2', rekorV2) : undefined,
    ct: config.ctLog ? insideUrl('ct', ct) : undefined,
    tsa: config.tsa ? insideUrl('tsa', tsa) : undefined,
  }
  const trust = composeTrust(composition, keyHolders, ca?.identity)
  const trustUrl = insideUrl('trust', trust)
  const monitor = config.monitor ? composeMonitor(composition, trustUrl) : undefined
  const pages = config.console
    ? composeConsole(composition, { ...keyHolders, trust: trustUrl }, monitor?.token)
    : undefined
  const devIssuer = config.trial ? composeDevIssuer(composition) : undefined
  throwAny()
  if (ca === undefined || oidcProxy === undefined || trust === undefined)
    throw new Error('a service was not read')

  const withInside = <Of extends Reached>(service: InsideService, of: Of): Of =>
    of.tls === undefined || places.insidePorts === undefined
      ? of
      : { ...of, inside: { host: insideHost, port: places.insidePorts[service] } }
  const reached = { ca, rekor, rekorV2, ct, trust, tsa, console: pages }
  const each = (make: (service: InsideService) => string): Readonly<Record<InsideService, string>> => ({
    ca: make('ca'),
    rekor: make('rekor'),
    rekorV2: make('rekorV2'),
    ct: make('ct'),
    trust: make('trust'),
    tsa: make('tsa'),
    console: make('console'),
  })
  return {
    ca: withInside('ca', ca),
    rekor: rekor && withInside('rekor', rekor),
    rekorV2: rekorV2 && withInside('rekorV2', rekorV2),
    ct: ct && withInside('ct', ct),
    oidcProxy,
    trust: withInside('trust', trust),
    tsa: tsa && withInside('tsa', tsa),
    witness,
    monitor,
    devIssuer,
    console: pages && withInside('console', pages),
    insideUrls: each((service) => insideUrl(service, reached[service])),
    publicUrls: each(publicUrl),
    listenUrls: each((service) =>
      urlOf(
        reachable(config.host),
        places.ports[service],
        reached[service]?.tls === undefined ? 'http' : 'https',
      ),
    ),
  }
}
