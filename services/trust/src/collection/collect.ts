import type { PublicKey } from '@sigstack/crypto'
import type { Service } from '../config.ts'
import { type ServiceKind, serviceKinds } from '../service-kinds.ts'
import type { ServiceKeys } from './ask.ts'
import { urlInLine } from './line.ts'

/** A service with what it signs with at this moment. */
export type Observed = Pick<ServiceKeys, 'chains' | 'activeKey'> & {
  readonly kind: ServiceKind
  /** As clients reach it. */
  readonly url: string
  /** Of a log: its keys, and where what is signed with them is. */
  readonly logs: readonly ObservedLog[]
}

export type ObservedLog = {
  readonly url: string
  readonly publicKey: PublicKey
  /** When clients are sent there, of a log that has others before or behind it; a side without a time is open. */
  readonly window?: { readonly start?: Date; readonly end?: Date } | 'not yet'
}

/** Throws a `TrustError` that names the source which failed. */
export function collect(services: readonly Service[], signal: AbortSignal): Promise<readonly Observed[]> {
  return Promise.all(
    services.map(async ({ kind, url, keys }) => {
      const { ask, variables } = serviceKinds[kind]
      const { keys: found, line, ...asked } = await ask(keys, variables.file, signal)
      const logs = line === undefined ? found.map((publicKey) => ({ url, publicKey })) : logsOfLine(url, line)
      return { kind, url, ...asked, logs }
    }),
  )
}

/** At any time one of them is open to new entries, as clients that look at one side of a window alone demand (rekor-v2.md section 13.2). */
function logsOfLine(url: string, line: NonNullable<ServiceKeys['line']>): readonly ObservedLog[] {
  return line.map((log, at) => {
    const end = line.slice(at + 1).find(({ isPrepared }) => !isPrepared)?.openedAt
    const { openedAt: start } = log
    const window = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) }
    return {
      url: urlInLine(url, log, line),
      publicKey: log.publicKey,
      window: log.isPrepared ? ('not yet' as const) : window,
    }
  })
}
