import type { Findings } from '@sigstack/log-engine'
import type { Hash } from '@sigstack/merkle'

/** A signed root must be that of the tree which the entries make, at its size. */
export function compareHeads(
  origin: string,
  heads: ReadonlyMap<bigint, Hash> | undefined,
  { roots, size }: { readonly roots: ReadonlyMap<bigint, Hash>; readonly size: bigint },
  findings: Findings,
): void {
  for (const [at, signed] of heads ?? []) {
    const computed = roots.get(at)
    if (computed === undefined) {
      findings.add(
        'evidence',
        `a checkpoint of ${origin} with ${at} entries was given away, and the log has ${size}: it was put back to an older state`,
      )
    } else if (Buffer.compare(computed, signed) !== 0) {
      findings.add(
        'evidence',
        `a checkpoint of ${origin} with ${at} entries was given away, and the entries make another tree of that size: the log was forked or damaged`,
      )
    }
  }
}
