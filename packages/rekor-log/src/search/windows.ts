/** A search goes through the ranges of the table some at a time, so that it locks and plans for no more than it comes to. */
import { entriesPerRange } from './ranges.ts'

/** Leaf indexes from `first` on and below `end`. */
export type Window = { readonly first: bigint; readonly end: bigint }

const entriesPerWindow = 8n * entriesPerRange

/**
 * The windows of a search, in its order. Together they are what was asked for, whatever `length`: it only says how far the ranges may be
 * thought to go, and beyond it there is one window.
 */
export function* windowsOf(
  { first, end, order }: Window & { readonly order: 'newest' | 'oldest' },
  length: bigint,
): Generator<Window> {
  const last = (end < length ? end : length) - 1n
  /** Where the last window begins, at the latest. */
  const top = last < 0n ? 0n : last - (last % entriesPerWindow)
  if (order === 'oldest') {
    let from = first
    for (; from < top; from += entriesPerWindow - (from % entriesPerWindow))
      yield { first: from, end: from + entriesPerWindow - (from % entriesPerWindow) }
    if (from < end) yield { first: from, end }
  } else {
    let to = end
    for (let from = top; from > first; from -= entriesPerWindow) {
      yield { first: from, end: to }
      to = from
    }
    if (first < to) yield { first, end: to }
  }
}
