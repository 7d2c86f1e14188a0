/** Bytes that are on their way, together and for each sender or reader. */
export type HeldBytes = {
  /** More of them, or less. */
  add(whose: string, bytes: number): void
  total(): number
  of(whose: string): number
}

export function createHeldBytes(): HeldBytes {
  const held = new Map<string, number>()
  let total = 0
  return {
    add: (whose, bytes) => {
      total += bytes
      const own = (held.get(whose) ?? 0) + bytes
      if (own > 0) held.set(whose, own)
      else held.delete(whose)
    },
    total: () => total,
    of: (whose) => held.get(whose) ?? 0,
  }
}
