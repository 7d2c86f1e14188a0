/** Randomness that repeats: the same seed gives the same inputs on every machine. */
export type Random = {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
}

/** The generator mulberry32; good enough to stir inputs, and no secret depends on it. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    below,
    chance: (probability) => next() < probability,
    pick: (list) => {
      const chosen = list[below(list.length)]
      if (chosen === undefined) throw new RangeError('nothing to pick from')
      return chosen
    },
  }
}

/** Of a run, a target and a number in it: any one input can be made again without those before it. */
export function seedOf(run: number, target: number, iteration: number): number {
  let mixed = (run ^ Math.imul(target + 1, 0x9e3779b1)) >>> 0
  mixed = Math.imul(mixed ^ (iteration + 0x85ebca6b), 0xc2b2ae35) >>> 0
  return (mixed ^ (mixed >>> 16)) >>> 0
}
