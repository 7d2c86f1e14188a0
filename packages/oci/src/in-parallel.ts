/**
 * `step` for each item, at most `most` at once. After the first failure nothing more is begun, and it is
 * thrown when all have ended.
 */
export async function inParallel<T>(
  items: readonly T[],
  most: number,
  step: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values()
  const failures: unknown[] = []
  const work = async (): Promise<void> => {
    for (const item of rest) {
      if (failures.length > 0) return
      try {
        await step(item)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(most, items.length)) }, work))
  if (failures.length > 0) throw failures[0]
}

/**
 * What `step` makes of each item, in the order of the items; those of the next `most` are under way meanwhile, and none is kept
 * that was given.
 */
export async function* inOrder<T, Result>(
  items: readonly T[],
  most: number,
  step: (item: T) => Promise<Result>,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = []
  const rest = items.values()
  for (;;) {
    while (begun.length < most) {
      const { value: item, done } = rest.next()
      if (done === true) break
      const result = step(item)
      // Of those after the first failure nobody asks.
      result.catch(() => undefined)
      begun.push(result)
    }
    const next = begun.shift()
    if (next === undefined) return
    yield await next
  }
}
