/**
 * What is attached to an image, one part after the other. Whoever may attach something may attach a thousand large parts, so small
 * ones are read ahead, and a large one when its turn comes: few are held at once.
 */
import { reasonOf } from '@sigstack/crypto'
import { type Descriptor, inOrder, OciError } from '@sigstack/oci'

const parallel = 10
const mostAheadBytes = 1 << 20

/** Reads a part now, or when it is called. */
export type Part<T> = () => Promise<T>

/** In the order of the items. `begin` does what is to be done ahead. */
export async function* readAhead<Item, T>(
  items: readonly Item[],
  begin: (item: Item) => Promise<Part<T>>,
): AsyncGenerator<T> {
  for await (const part of inOrder(items, parallel, begin)) yield await part()
}

export async function beginPart<T>({ size }: Descriptor, read: Part<T>): Promise<Part<T>> {
  if (size > mostAheadBytes) return read
  const found = await read()
  return async () => found
}

export type Refused = { readonly refusal: string }

/** Whatever is wrong with one part is no reason to look at no other. */
export async function orRefusal<T>(reading: Promise<T>): Promise<T | Refused> {
  try {
    return await reading
  } catch (error) {
    if (!(error instanceof OciError)) throw error
    return { refusal: reasonOf(error) }
  }
}

export async function gathered<T>(parts: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = []
  for await (const part of parts) found.push(part)
  return found
}
