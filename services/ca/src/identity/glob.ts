/**
 * Patterns of policies: `*` stands for any characters but `/`, `**` for any at all, everything else for itself. Time grows
 * with the product of both lengths and no faster, whatever the pattern.
 */
export function matchesGlob(glob: string, text: string): boolean {
  // The places in the pattern that the text read so far may have led to.
  let states = closure(glob, new Set([0]))
  for (const character of text) {
    const next = new Set<number>()
    for (const at of states) {
      if (glob.startsWith('**', at)) next.add(at)
      else if (glob[at] === '*') {
        if (character !== '/') next.add(at)
      } else if (glob.startsWith(character, at)) next.add(at + character.length)
    }
    if (next.size === 0) return false
    states = closure(glob, next)
  }
  return states.has(glob.length)
}

/** A star may also stand for nothing. */
function closure(glob: string, states: Set<number>): Set<number> {
  for (const at of states) if (glob[at] === '*') states.add(at + (glob.startsWith('**', at) ? 2 : 1))
  return states
}
