/** What is looked for now: the watches, compiled when they have changed. Those that cannot be are told of, and hold up no other. */
import { quoted } from '@sigstack/crypto'
import type { Pool } from '@sigstack/postgres'
import type { Conditions } from '../alarms/conditions.ts'
import { createLook, type Look, type UnusableWatch } from './look.ts'
import { readWatches } from './watch-store.ts'

export type Lookout = {
  /** Reads the watches, which another process may have changed. */
  renew(): Promise<void>
  /** Undefined where there is nothing to look for. */
  look(): Look | undefined
}

type Options = { readonly pool: Pool; readonly conditions: Conditions }

export function createLookout({ pool, conditions }: Options): Lookout {
  let current: {
    readonly of: string
    readonly look: Look | undefined
    readonly unusable: readonly UnusableWatch[]
  } = {
    of: '',
    look: undefined,
    unusable: [],
  }
  return {
    look: () => current.look,
    renew: async () => {
      const watches = (await readWatches(pool)).filter(({ isPaused }) => !isPaused)
      // Expressions are costly to compile, and most rounds find the watches as they were.
      const of = JSON.stringify(watches, (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      )
      if (current.of !== of) {
        const before = current.unusable
        current = { of, ...createLook(watches) }
        const bad = new Set(current.unusable.map(({ watch }) => watch.id))
        // Those of before may be gone; of a process before this one an alarm may be open.
        const good = [...before.map(({ watch }) => watch), ...watches].filter(({ id }) => !bad.has(id))
        for (const { id } of good) await conditions.pass('unusable-watch', matterOf(id))
      }
      for (const { watch, why } of current.unusable)
        await conditions.hold('unusable-watch', matterOf(watch.id), () => ({
          summary: `${quoted(watch.name)} is not looked for: ${why}`,
          detail: { watch: String(watch.id), why },
        }))
    },
  }
}

function matterOf(id: bigint): string {
  return `watch ${id}`
}
