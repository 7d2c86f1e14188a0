/** Which watches an entry is for, and what of it is worth an alarm. */
import type { Reason } from '@sigstack/monitor-api'
import { MonitorError } from '../errors.ts'
import { compile, type Matches, mostStepsTogether } from './condition.ts'
import type { Sighting } from './sighting.ts'
import { stepsOf, type Watch } from './watch.ts'
import { isWithin } from './working-hours.ts'

/** Takes what is said of each signer of one entry. */
export type Look = (logName: string, sightings: readonly Sighting[]) => readonly Match[]

export type Match = {
  readonly watch: Watch
  /** Of the signer who was looked for, with the names that met the watch first, and not more than are kept. */
  readonly sighting: Sighting
  /** But for `new-workflow`, which the database knows. */
  readonly reasons: readonly Reason[]
}

/** A certificate may have any number of names. All are looked at. */
const mostNamesKept = 50

export type UnusableWatch = { readonly watch: Watch; readonly why: string }

/**
 * The watches, their conditions compiled once; undefined where none can be looked for. A stored one that is refused by now, or for
 * whose expressions there is no room beside the others, is left out. Those of the file come first.
 */
export function createLook(watches: readonly Watch[]): {
  readonly look: Look | undefined
  readonly unusable: readonly UnusableWatch[]
} {
  const active: Compiled[] = []
  const unusable: UnusableWatch[] = []
  let steps = 0
  const byTurn = watches.toSorted((a, b) => Number(b.source === 'file') - Number(a.source === 'file'))
  for (const watch of byTurn.filter(({ isPaused }) => !isPaused)) {
    try {
      if (steps + stepsOf(watch) > mostStepsTogether)
        throw new MonitorError('conflict', `its expressions are too large beside those of the others`)
      active.push(compiled(watch))
      steps += stepsOf(watch)
    } catch (error) {
      if (!(error instanceof MonitorError)) throw error
      unusable.push({ watch, why: error.message })
    }
  }
  return { look: active.length === 0 ? undefined : lookFor(active), unusable }
}

function lookFor(active: readonly Compiled[]): Look {
  return (logName, sightings) =>
    active.flatMap(({ watch, seek }) => {
      if (watch.logs?.includes(logName) === false) return []
      for (const each of sightings) {
        const sighting = seek(each)
        if (sighting !== undefined) return [{ watch, sighting, reasons: reasonsOf(watch, sighting) }]
      }
      return []
    })
}

type Compiled = { readonly watch: Watch; readonly seek: (sighting: Sighting) => Sighting | undefined }

function compiled(watch: Watch): Compiled {
  const subject = matcherOf(watch, 'subject')
  const issuer = matcherOf(watch, 'issuer')
  const repository = matcherOf(watch, 'repository')
  return {
    watch,
    seek: (sighting) => {
      const { key } = watch
      if (key !== undefined && !sighting.keys.includes(key)) return undefined
      if (issuer !== undefined && (sighting.issuer === undefined || !issuer(sighting.issuer)))
        return undefined
      const subjects = metFirst(sighting.subjects, subject)
      const repositories = metFirst(sighting.repositories, repository)
      if (subjects === undefined || repositories === undefined) return undefined
      const keys = metFirst(sighting.keys, (name) => name === key) ?? sighting.keys
      return { ...sighting, subjects, repositories, keys: keys.slice(0, mostNamesKept) }
    },
  }
}

/** Those that are kept. Undefined where none is met; without a condition all are as they stand. */
function metFirst(names: readonly string[], matches: Matches | undefined): readonly string[] | undefined {
  if (matches === undefined) return names.slice(0, mostNamesKept)
  const met = names.find(matches)
  return met === undefined
    ? undefined
    : [met, ...names.filter((name) => name !== met)].slice(0, mostNamesKept)
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
