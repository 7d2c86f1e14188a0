/** Whether `text` matches `glob`, in which `*` stands for any characters, also none, and everything else for itself. */
export function matchesGlob(glob: string, text: string): boolean {
  const [start = '', ...others] = glob.split('*')
  const end = others.pop()
  if (end === undefined) return text === glob
  if (!text.startsWith(start) || !text.endsWith(end) || text.length < start.length + end.length) return false
  // The earliest place of each part leaves the most room for those after it, so nothing is tried twice.
  let at = start.length
  const last = text.length - end.length
  for (const part of others) {
    const found = text.indexOf(part, at)
    if (found === -1 || found + part.length > last) return false
    at = found + part.length
  }
  return true
}
