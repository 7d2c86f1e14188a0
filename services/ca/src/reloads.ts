/** What is read again while the CA runs, and how that went: in the log, as metrics, in `/readyz`. */
import { reasonOf } from '@sigstack/crypto'
import { type Logger, type Reloading, type ReloadOptions, reloadFromFiles } from '@sigstack/server'
import { Counter, Gauge, type Registry } from 'prom-client'

export type ReloadKind = 'configuration' | 'authority' | 'tls'

export type Reloads = {
  /** Follows the files until `stop`. */
  follow<T>(kind: ReloadKind, options: Omit<ReloadOptions<T>, 'onFault'>): Promise<Reloading<T>>
  /** `ok`, or why the files as they are now are not in force. Says nothing against being ready: what was before still serves. */
  checks(): Readonly<Record<string, string>>
  stop(): void
}

export function createReloads(registry: Registry, logger: Logger): Reloads {
  const followed = new Map<ReloadKind, Reloading<unknown>>()
  const reloads = new Counter({
    name: 'ca_reloads_total',
    help: 'Changed files read again, by what they hold and whether they took effect',
    labelNames: ['what', 'outcome'],
    registers: [registry],
  })
  new Gauge({
    name: 'ca_reload_refused',
    help: '1 while files hold something that has a fault and is not in force',
    labelNames: ['what'],
    registers: [registry],
    collect() {
      for (const [what, reloading] of followed) this.set({ what }, reloading.fault() === undefined ? 0 : 1)
    },
  })
  return {
    async follow(kind, options) {
      const reloading = await reloadFromFiles({
        ...options,
        onReload(value) {
          options.onReload?.(value)
          reloads.inc({ what: kind, outcome: 'ok' })
          logger.info({ what: kind }, 'changed files took effect')
        },
        onFault(error) {
          reloads.inc({ what: kind, outcome: 'refused' })
          const reason = reasonOf(error)
          logger.error({ what: kind, reason }, 'changed files have a fault; what was before stays in force')
        },
      })
      followed.set(kind, reloading)
      return reloading
    },
    checks: () =>
      Object.fromEntries(
        [...followed].map(([kind, reloading]) => [
          kind,
          reloading.fault() === undefined
            ? 'ok'
            : `changed files refused: ${reloading.fault()}`.slice(0, 2_000),
        ]),
      ),
    stop() {
      for (const reloading of followed.values()) reloading.stop()
    },
  }
}
