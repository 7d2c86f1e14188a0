/** Advice on variables that are set and do not do what they seem to: misspelt ones, and former names. */
import { escaped } from '@sigstack/crypto'
import type { TObject } from 'typebox'
import { isSet } from './is-set.ts'
import { type Environment, formerNames, marksOf, variableNames } from './variable.ts'

export type AdviceOptions = {
  /** What the process reads. */
  readonly schemas: readonly TObject[]
  /** Names that begin with one of these are meant for the process, as `LOG_`. */
  readonly prefixes: readonly string[]
  /** Names with these prefixes that something else reads. */
  readonly elsewhere?: readonly string[]
}

/** One sentence for each such variable; none shows a value. */
export function adviseOnVariables(environment: Environment, options: AdviceOptions): readonly string[] {
  const { schemas, prefixes, elsewhere = [] } = options
  const known = new Set([...schemas.flatMap(variableNames), ...elsewhere])
  const set = Object.keys(environment).filter((name) => isSet(environment[name]))
  const unknown = set.filter(
    (name) => !known.has(name) && prefixes.some((prefix) => name.startsWith(prefix)) && !isOfKubernetes(name),
  )
  const former = new Set(schemas.flatMap(formerNames))
  const advised = [...known].filter((name) => !former.has(name))
  const strange = set.filter((name) => !known.has(name) && !unknown.includes(name) && !isOfKubernetes(name))
  return [
    ...unknown.sort().map((name) => adviseOnUnknown(name, advised)),
    ...strange.sort().flatMap((name) => adviseOnPrefix(name, prefixes, advised)),
    ...schemas.flatMap((schema) => adviseOnFormer(set, schema)),
  ].filter((sentence, index, all) => all.indexOf(sentence) === index)
}

function adviseOnUnknown(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return `${escaped(name, 100)} is set, but nothing here reads it${near === undefined ? '' : `; is ${near} meant?`}`
}

/** Of a shorter one, as `CA_`, too many words of others differ by a letter. */
const shortestPrefix = 3
const mostSlips = 2

/** Other programs have variables too: only what is a slip away from a name of ours, and begins almost as that does. */
function adviseOnPrefix(
  name: string,
  prefixes: readonly string[],
  known: readonly string[],
): readonly string[] {
  const [own = ''] = name.split('_', 1)
  const isNear = prefixes
    .map((prefix) => prefix.replace(/_$/, ''))
    .some(
      (prefix) =>
        prefix.length >= shortestPrefix &&
        distanceOf(own, prefix) <= Math.min(mostSlips, Math.floor(prefix.length / shortestPrefix)),
    )
  const near = isNear ? nearest(name, known, mostSlips) : undefined
  return near === undefined
    ? []
    : [`${escaped(name, 100)} is set, but nothing here reads it; is ${near} meant?`]
}

function adviseOnFormer(set: readonly string[], schema: TObject): readonly string[] {
  return Object.entries(schema.properties).flatMap(([name, variable]) =>
    (marksOf(variable).formerly ?? [])
      .filter((former) => set.includes(former))
      .map((former) =>
        set.includes(name)
          ? `${former} is set beside ${name}, its new name, and does not count`
          : `${former} is called ${name} now; the old name still counts`,
      ),
  )
}

/** Kubernetes sets variables of every service beside a pod, which may be called as ours are. */
function isOfKubernetes(name: string): boolean {
  return /_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)/.test(name)
}

/** The name that differs least, where that is little enough for a slip. */
function nearest(
  name: string,
  known: readonly string[],
  most = Math.max(2, Math.floor(name.length / 4)),
): string | undefined {
  const candidates = known
    .map((candidate) => ({ candidate, distance: distanceOf(name, candidate) }))
    .sort((a, b) => a.distance - b.distance)
  const [best] = candidates
  return best !== undefined && best.distance <= most ? best.candidate : undefined
}

const longestName = 100

/** How many letters were left out, put in, exchanged or swapped with their neighbour (optimal string alignment). */
function distanceOf(a: string, b: string): number {
  if (a.length > longestName || b.length > longestName) return Number.POSITIVE_INFINITY
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1
      let least = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + cost,
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1)
      current.push(least)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}
