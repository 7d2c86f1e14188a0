/** Differences that are wanted, or that no client can see the effect of: each has a name, under which docs/dialects gives its reason. */
import type { Difference } from './facts.ts'

export type KnownDifference = {
  /** The item of the list "Seen in the differential run" in the dialect's page. */
  readonly name: string
  /** Left out: any. */
  readonly cases?: RegExp
  readonly fact: RegExp
  /** What each side must say for this to be the known difference; left out, anything. A missing fact reads as ''. */
  readonly ours?: RegExp
  readonly upstream?: RegExp
}

export type Judgement = {
  /** That nobody has explained: the run fails. */
  readonly open: readonly Difference[]
  readonly seen: readonly { readonly name: string; readonly differences: readonly Difference[] }[]
  /** Names of what is listed and did not occur: gone, or a matter of chance. */
  readonly unseen: readonly string[]
}

/** Where several match, the first one in the list has it. */
export function judge(differences: readonly Difference[], known: readonly KnownDifference[]): Judgement {
  const byName = Map.groupBy(
    differences,
    (difference) => known.find((each) => covers(each, difference))?.name,
  )
  const names = [...new Set(known.map(({ name }) => name))]
  return {
    open: byName.get(undefined) ?? [],
    seen: names.flatMap((name) => {
      const own = byName.get(name)
      return own === undefined ? [] : [{ name, differences: own }]
    }),
    unseen: names.filter((name) => !byName.has(name)),
  }
}

function covers({ cases, fact, ours, upstream }: KnownDifference, difference: Difference): boolean {
  return (
    (cases?.test(difference.case) ?? true) &&
    fact.test(difference.fact) &&
    (ours?.test(difference.ours ?? '') ?? true) &&
    (upstream?.test(difference.upstream ?? '') ?? true)
  )
}
