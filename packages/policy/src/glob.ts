/**
 * Patterns of rules about names. `*` stands for any characters but `/`, `**` for any characters, both also for none; everything
 * else stands for itself, in this letter case.
 */

export type RuleEffect = 'allow' | 'deny'

/**
 * The pattern as a rule of this effect means it. In a rule that denies every star is `**`: if its author thought that `*`
 * goes past a `/`, too many are refused and nobody slips through; a rule that allows errs to the same side by itself.
 */
export function globForRule(effect: RuleEffect, glob: string): string {
  return effect === 'deny' ? glob.replaceAll(/\*+/g, '**') : glob
}

/** Time grows with the product of both lengths and no faster, whatever the pattern. */
export function matchesGlob(glob: string, text: string): boolean {
  const pieces = glob.match(/\*\*|[^]/gu) ?? []
  // The step at which each place in the pattern was last reached; places are what the text so far may have led to.
  const reachedAt = new Int32Array(pieces.length + 1).fill(-1)
  let step = 0
  let places: number[] = []
  /** A star may stand for nothing, so the place behind it is reached with it. */
  const reach = (from: number): void => {
    for (let place = from; reachedAt[place] !== step; place++) {
      reachedAt[place] = step
      places.push(place)
      if (pieces[place] !== '*' && pieces[place] !== '**') return
    }
  }
  reach(0)
  for (const character of text) {
    const before = places
    places = []
    step++
    for (const place of before) {
      const piece = pieces[place]
      if (piece === '**' || (piece === '*' && character !== '/')) reach(place)
      else if (piece === character) reach(place + 1)
    }
    if (places.length === 0) return false
  }
  return reachedAt[pieces.length] === step
}
