/**
 * States that come and go, such as a log that does not answer: an alarm is raised when one has lasted, and closed by the monitor when it
 * has passed.
 */
import type { AlarmKind } from '@sigstack/monitor-api'
import type { Pool, Queryable } from '@sigstack/postgres'
import type { Alarm, Trouble } from './alarm.ts'
import { passAlarm } from './alarm-store.ts'

export type Conditions = {
  /** It is so now. `trouble` is called when it has been so for `afterMs`. */
  hold(kind: AlarmKind, matter: string, trouble: () => Omit<Trouble, 'kind' | 'matter'>): Promise<void>
  /** It is not so now. */
  pass(kind: AlarmKind, matter: string): Promise<void>
}

export type ConditionsOptions = {
  readonly pool: Pool
  readonly report: (trouble: Trouble) => Promise<void>
  /** Told of an alarm that has passed, in the transaction that closes it. */
  readonly onPassed: (tx: Queryable, alarm: Alarm) => Promise<void>
  readonly afterMs: number
  readonly now: () => number
}

export function createConditions({ pool, report, onPassed, afterMs, now }: ConditionsOptions): Conditions {
  /** Since when; undefined: it is known that no alarm is open. */
  const since = new Map<string, { readonly atMs: number; isRaised: boolean } | undefined>()
  const keyOf = (kind: AlarmKind, matter: string) => `${kind} ${matter}`
  return {
    hold: async (kind, matter, trouble) => {
      const key = keyOf(kind, matter)
      const known = since.get(key) ?? { atMs: now(), isRaised: false }
      since.set(key, known)
      if (known.isRaised || now() - known.atMs < afterMs) return
      await report({ kind, matter, ...trouble() })
      known.isRaised = true
    },
    pass: async (kind, matter) => {
      const key = keyOf(kind, matter)
      const isQuiet = since.has(key) && since.get(key) === undefined
      const wasShort = since.get(key)?.isRaised === false
      if (isQuiet) return
      // An alarm of the process before this one may still be open, where nothing is known yet.
      if (!wasShort) await passAlarm(pool, kind, matter, onPassed)
      since.set(key, undefined)
    },
  }
}
