/** Which watches an entry is for, and what of it is worth an alarm. */

import { compile, type Matches } from './condition.ts'
import type { Sighting } from './sighting.ts'
import type { Reason, Watch } from './watch.ts'
import { isWithin } from './working-hours.ts'

export type Look = (logName: string, sighting: Sighting) => readonly Match[]

export type Match = {
  readonly watch: Watch
  readonly sighting: Sighting
  /** But for `new-workflow`, which the database knows. */
  readonly reasons: readonly Reason[]
}

/** The watches, their conditions compiled once. */
export function createLook(watches: readonly Watch[]): Look {
  const active = watches.filter(({ isPaused }) => !isPaused).map(compiled)
  return (logName, sighting) =>
    active
      .filter(({ watch, isFor }) => (watch.logs?.includes(logName) ?? true) && isFor(sighting))
      .map(({ watch }) => ({ watch, sighting, reasons: reasonsOf(watch, sighting) }))
}

function compiled(watch: Watch): { readonly watch: Watch; readonly isFor: (sighting: Sighting) => boolean } {
  const subject = matcherOf(watch, 'subject')
  const issuer = matcherOf(watch, 'issuer')
  const repository = matcherOf(watch, 'repository')
  return {
    watch,
    isFor: (sighting) =>
      (watch.key === undefined || sighting.keys.includes(watch.key)) &&
      (subject === undefined || sighting.subjects.some(subject)) &&
      (issuer === undefined || (sighting.issuer !== undefined && issuer(sighting.issuer))) &&
      (repository === undefined || sighting.repositories.some(repository)),
  }
}

function matcherOf(watch: Watch, member: 'subject' | 'issuer' | 'repository'): Matches | undefined {
  const condition = watch[member]
  return condition === undefined ? undefined : compile(condition, member)
}

function reasonsOf({ alarmOn, hours }: Watch, { time }: Sighting): readonly Reason[] {
  return alarmOn.filter((reason) => {
    if (reason === 'outside-hours') return hours !== undefined && !isWithin(hours, time)
    return reason === 'identity-seen'
  })
}
