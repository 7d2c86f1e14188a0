import type { Service } from '../config.ts'
import { type ServiceKind, serviceKinds } from '../service-kinds.ts'
import type { ServiceKeys } from './ask.ts'

/** A service with what it signs with at this moment. */
export type Observed = ServiceKeys & {
  readonly kind: ServiceKind
  /** As clients reach it. */
  readonly url: string
}

/** Throws a `TrustError` that names the source which failed. */
export function collect(services: readonly Service[], signal: AbortSignal): Promise<readonly Observed[]> {
  return Promise.all(
    services.map(async ({ kind, url, keys }) => {
      const { ask, variables } = serviceKinds[kind]
      return { kind, url, ...(await ask(keys, variables.file, signal)) }
    }),
  )
}
