/** The registry client: one for a command, with one memory of tokens, schemes and what registries can do. */
import type { Route, TlsSettings } from '@sigstack/http-client'
import { type BlobOperations, blobOperations } from './blobs.ts'
import { anonymous, type CredentialSource } from './credentials.ts'
import { type ManifestOperations, manifestOperations } from './manifests.ts'
import type { RepositoryName } from './reference.ts'
import { type ReferrerOperations, referrerOperations } from './referrers.ts'
import { type Patience, usualPatience } from './retry.ts'
import { type TagOperations, tagOperations } from './tags.ts'
import { createTransport, type Transport } from './transport.ts'

export type RegistryOptions = {
  /** Default: nobody is told who we are. */
  readonly credentials?: CredentialSource
  readonly tls?: TlsSettings
  /** `--allow-http-registry`: plain http also for hosts that are not of this machine or a private network. */
  readonly allowHttp?: boolean
  /** `--allow-insecure-registry`: any certificate, and plain http. */
  readonly allowInsecure?: boolean
  /** Default: as the environment of this process says. */
  readonly route?: Route
  readonly patience?: Partial<Patience>
  /** How long nothing may move. Default: one minute. */
  readonly idleTimeoutMs?: number
  /** Ends everything that is under way; its reason is thrown as it is. */
  readonly signal?: AbortSignal
  readonly now?: () => Date
}

export type Repository = { readonly name: RepositoryName } & ManifestOperations &
  BlobOperations &
  TagOperations &
  ReferrerOperations

export type RegistryClient = {
  repository(name: RepositoryName): Repository
}

export function createRegistryClient(options: RegistryOptions = {}): RegistryClient {
  const { allowInsecure = false } = options
  const tls = allowInsecure ? { ...options.tls, isUnchecked: true } : options.tls
  const transports = new Map<string, Transport>()
  const repositories = new Map<string, Repository>()
  const transportOf = (registry: string): Transport => {
    const known =
      transports.get(registry) ??
      createTransport(registry, {
        credentials: options.credentials ?? anonymous,
        patience: { ...usualPatience, ...options.patience },
        allowHttp: allowInsecure || options.allowHttp === true,
        tls,
        route: options.route,
        idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
        signal: options.signal,
        now: options.now ?? (() => new Date()),
      })
    transports.set(registry, known)
    return known
  }
  return {
    repository({ registry, repository }) {
      const name = { registry, repository }
      const key = `${registry}/${repository}`
      const known = repositories.get(key) ?? open(name, transportOf(registry), options)
      repositories.set(key, known)
      return known
    },
  }
}

function open(name: RepositoryName, transport: Transport, { patience, signal }: RegistryOptions): Repository {
  const manifests = manifestOperations(name, transport)
  return {
    name,
    ...manifests,
    ...blobOperations(name, transport),
    ...tagOperations(name, transport),
    ...referrerOperations(name, transport, manifests, { ...usualPatience, ...patience }, signal),
  }
}
