/** What every service of the stack is told from: the settings of the whole, and the environment as that service sees it. */
import { type Environment, type InsideDoor, urlOf } from '@sigstack/server'
import type { TObject } from 'typebox'
import type { Config, Ports } from '../config.ts'
import type { DataDirectory } from '../data-directory.ts'
import { type InsideService, loopbackOf, type PublicService, publicUrlOf, reachable } from '../public-urls.ts'
import { layered } from './layers.ts'

export type Places = {
  readonly data: DataDirectory
  /** Of the keys that the stack makes. */
  readonly password: string
  readonly ports: Ports
  /** Free ports on loopback, for services that speak TLS to clients. */
  readonly insidePorts?: Readonly<Record<InsideService, number>>
  /** Undefined: not known yet. */
  readonly databaseUrl?: string
}

/** The variables of a service that the stack answers for it, since they hold the stack together, and what decides in their place. */
export type DecidedHere = {
  readonly schema: TObject
  /** Empty: nothing that the operator can set. */
  readonly variables: Readonly<Record<string, string>>
}

/** What others in this process ask: by a door of its own where clients come by TLS. */
export type Reached = { readonly tls?: unknown; readonly inside?: InsideDoor }

export type Composition = {
  readonly config: Config
  readonly places: Places & { readonly databaseUrl: string }
  /** Where services listen that only this process asks. */
  readonly insideHost: string
  readonly oidcProxyUrl: string
  /** Undefined: there is none. */
  readonly trialIssuer: string | undefined
  publicUrl(service: PublicService): string
  /** How others in this process reach it. */
  insideUrl(service: InsideService, of: Reached | undefined): string
  /** The stack's certificate, in the variables of one service. */
  tlsOf(prefix: string): Environment
  /** By the service's own reader. Undefined: it complained, which is told with the complaints of all. */
  read<T>(
    reader: (own: Environment) => T,
    decided: DecidedHere,
    told: { readonly standard: Environment; readonly decided: Environment },
  ): T | undefined
}

export function createComposition(
  config: Config,
  places: Places,
  attempt: <T>(read: () => T) => T | undefined,
): Composition {
  const { environment, host, tls } = config
  const { ports, insidePorts, databaseUrl = 'postgresql://not-yet-known' } = places
  const insideHost = loopbackOf(host)
  const publicUrl = (service: PublicService) => publicUrlOf(service, ports[service], config)
  return {
    config,
    places: { ...places, databaseUrl },
    insideHost,
    oidcProxyUrl: urlOf(insideHost, ports.oidcProxy),
    trialIssuer: config.trial ? publicUrl('devIssuer') : undefined,
    publicUrl,
    insideUrl: (service, of) =>
      of?.tls === undefined
        ? urlOf(reachable(host), ports[service])
        : urlOf(insideHost, insidePorts?.[service] ?? 0),
    tlsOf: (prefix) => ({
      [`${prefix}_TLS_CERTIFICATE_FILE`]: tls?.certificatePath,
      [`${prefix}_TLS_KEY_FILE`]: tls?.keyPath,
    }),
    read: (reader, { schema, variables }, { standard, decided }) => {
      const unset = Object.fromEntries(Object.keys(variables).map((name) => [name, undefined]))
      return attempt(() =>
        reader(layered(environment, schema, { standard, decided: { ...unset, ...decided } })),
      )
    },
  }
}
