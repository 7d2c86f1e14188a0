/** A page of a list: rows from the newest to the oldest, the cursor being the number of the last one. */
import { MonitorError } from './errors.ts'

export type PageQuery = {
  readonly limit: number
  /** Rows below this number. */
  readonly before: bigint | undefined
}

export const defaultLimit = 50
export const mostPerPage = 200

/** Throws `malformed`. */
export function parsePage(query: {
  readonly limit?: string | undefined
  readonly cursor?: string | undefined
}): PageQuery {
  const { limit, cursor } = query
  if (limit !== undefined && !(/^[1-9]\d{0,2}$/.test(limit) && Number(limit) <= mostPerPage))
    throw new MonitorError('malformed', `limit must be a number from 1 to ${mostPerPage}`)
  return {
    limit: limit === undefined ? defaultLimit : Number(limit),
    before: cursor === undefined ? undefined : parseId(cursor, 'cursor'),
  }
}

/** Throws `malformed`, which names `what`. */
export function parseId(text: string, what: string): bigint {
  if (!/^[1-9]\d{0,18}$/.test(text) || BigInt(text) > 2n ** 63n - 1n)
    throw new MonitorError('malformed', `${what} must be a positive number`)
  return BigInt(text)
}

/** Rows, of which one more than the limit was asked for, and where the next page begins. */
export function pageOf<Row>(
  rows: readonly Row[],
  { limit }: PageQuery,
  idOf: (row: Row) => bigint,
): { readonly rows: readonly Row[]; readonly next?: string } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { rows: page, ...(rows.length > limit && last !== undefined && { next: String(idOf(last)) }) }
}
