/**
 * How many steps the program of an expression has at most, told before it is compiled: `x{1000}` is a thousand of them, and both
 * memory and the time for a text grow with their number. Reads just as much of RE2's syntax as decides that, once and forwards.
 */

/** `source` need not be an expression that RE2 takes. */
export function mostSteps(source: string): number {
  /** Steps of each group that is open, the whole first. */
  const open = [start]
  /** Of what a repetition would repeat. */
  let last = 0
  const add = (steps: number): void => {
    open.push((open.pop() ?? 0) + steps)
    last = steps
  }
  for (let at = 0; at < source.length; ) {
    const rest = source.slice(at, at + longestToken)
    const [repetition, least = '', most = least] = /^\{(\d{1,4})(?:,(\d{0,4}))?\}/.exec(rest) ?? []
    if (repetition !== undefined) {
      // Each of those that may be left out has a step that decides it.
      const decisions = most === '' ? loopSteps : Math.max(Number(most) - Number(least), 0)
      const steps = Math.max(Number(least), Number(most), 1) * last + decisions
      open.push((open.pop() ?? 0) - last)
      add(steps)
      at += repetition.length
    } else if (rest.startsWith('(')) {
      const flags = /^\(\?[a-zA-Z-]*[:)]/.exec(rest)?.[0] ?? /^\(\?P?<\w*>/.exec(rest)?.[0] ?? '('
      if (!flags.endsWith(')')) open.push(0)
      last = 0
      at += flags.length
    } else if (rest.startsWith(')')) {
      const steps = open.length === 1 ? 0 : (open.pop() ?? 0)
      add(steps + groupSteps)
      at += 1
    } else if (/^[*+?|]/.test(rest)) {
      const steps = rest.startsWith('*') ? loopSteps : 1
      open.push((open.pop() ?? 0) + steps)
      last = rest.startsWith('|') ? 0 : last + steps
      at += 1
    } else {
      const length = lengthOfOne(source, at)
      // Of a quoted text each character is one.
      const steps = rest.startsWith('\\Q') ? length : 1
      add(steps)
      last = 1
      at += length
    }
  }
  return open.reduce((sum, steps) => sum + steps, 0)
}

/** The program's own first and last step. */
const start = 2
/** Where a group begins and where it ends. */
const groupSteps = 2
/** Of what may be empty itself a loop has one step more. */
const loopSteps = 2
const longestToken = 300

/** Of a character, an escape, a class or a quoted text. */
function lengthOfOne(source: string, at: number): number {
  if (source.startsWith('\\Q', at)) return endOf(source, '\\E', at)
  if (/^\\[pPx]\{/.test(source.slice(at, at + 3))) return endOf(source, '}', at)
  if (source[at] === '\\') return 2
  if (source[at] === '[') return lengthOfClass(source, at)
  return 1
}

function lengthOfClass(source: string, from: number): number {
  let at = from + (source[from + 1] === '^' ? 2 : 1)
  // The first bracket stands for itself.
  if (source[at] === ']') at += 1
  while (at < source.length && source[at] !== ']') {
    if (source.startsWith('[:', at)) at += Math.max(source.slice(at, at + 12).indexOf(':]') + 2, 1)
    else if (/^\\[pPx]\{/.test(source.slice(at, at + 3))) at += endOf(source, '}', at)
    else at += source[at] === '\\' ? 2 : 1
  }
  return at + 1 - from
}

function endOf(source: string, mark: string, from: number): number {
  const at = source.indexOf(mark, from)
  return (at === -1 ? source.length : at + mark.length) - from
}
