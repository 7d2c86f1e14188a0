/** What an audit found: the first hundred in words, all of them counted. */

export type FindingKind =
  /** An entry is missing, or its bytes are not those that were hashed. */
  | 'entry'
  /** A column that the entry is found by is not what its hashes say. */
  | 'index'
  | 'tile'
  /** The tree head is not that of the entries. */
  | 'head'
  /** Rows that belong to no entry of the log. */
  | 'surplus'
  /** An entry that search does not find, or finds wrongly. */
  | 'search'
  /** A checkpoint, a proof or a promise that was given away, and does not hold. */
  | 'evidence'

export type Finding = {
  readonly kind: FindingKind
  /** A sentence for the operator. */
  readonly message: string
}

export type Findings = {
  add(kind: FindingKind, message: string): void
  readonly list: readonly Finding[]
  count(): number
}

const mostTold = 100

export function createFindings(): Findings {
  const list: Finding[] = []
  let count = 0
  return {
    list,
    count: () => count,
    add: (kind, message) => {
      count++
      if (list.length < mostTold) list.push({ kind, message })
    },
  }
}
