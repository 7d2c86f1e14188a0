/** Work that must ask nobody: where it would connect, it fails instead. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { HttpError } from './errors.ts'

const forbidden = new AsyncLocalStorage<true>()

/** `work`, and all that it starts, opens no connection: each attempt throws {@link HttpError} `offline`. */
export function withoutConnections<Result>(work: () => Promise<Result>): Promise<Result> {
  return forbidden.run(true, work)
}

/** Whether the caller is such work, and looks for what it needs elsewhere. */
export function isWithoutConnections(): boolean {
  return forbidden.getStore() === true
}

/** For those who connect by other means than this package. */
export function demandConnections(): void {
  if (isWithoutConnections())
    throw new HttpError('offline', 'connections are switched off (--no-network, --offline, SIGSTACK_OFFLINE)')
}
