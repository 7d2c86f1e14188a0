/** Watches from a file: `watches`, a list of them as the API takes them. Each is found again by its name. */
import { quoted } from '@sigstack/crypto'
import { bad, parseItems, readList } from '../read-list.ts'
import { mostStepsTogether } from './condition.ts'
import { parseWatch, stepsOf, type WatchDefinition } from './watch.ts'
import { mostWatches } from './watch-store.ts'

/** Throws `bad_file`. */
export function parseWatches(text: string): readonly WatchDefinition[] {
  const watches = parseItems(readList(text, 'watches'), 'watches', parseWatch)
  if (watches.length > mostWatches) throw bad(`it has more than ${mostWatches} watches`)
  const steps = watches.reduce((sum, watch) => sum + stepsOf(watch), 0)
  if (steps > mostStepsTogether)
    throw bad(`its expressions have ${steps} steps together, and may have ${mostStepsTogether}`)
  const names = new Set<string>()
  for (const { name } of watches) {
    if (names.has(name)) throw bad(`two watches have the name ${quoted(name)}`)
    names.add(name)
  }
  return watches
}
