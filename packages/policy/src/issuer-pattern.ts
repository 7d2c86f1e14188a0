/**
 * Patterns for families of issuers, as in `https://oidc.eks.*.amazonaws.com/id/*`.
 *
 * `*` stands for one or more of `A-Z a-z 0-9 _ -`: no dot and no slash, so that it never spans a label of
 * the host name or a segment of the path. Everything else is literal, and both ends are anchored: an open
 * end would let a token choose the host that its keys come from.
 */
export function issuerPattern(pattern: string): (url: string) => boolean {
  const [start = '', ...others] = pattern.split('*')
  return (url) => {
    if (!url.startsWith(start)) return false
    let ends: ReadonlySet<number> = new Set([start.length])
    for (const literal of others) ends = endsAfter(url, ends, literal)
    return ends.has(url.length)
  }
}

/**
 * Where a star and then `literal` can end that begin at one of `starts`. Every place is looked at once, so that time grows
 * with the length of the URL, whatever the pattern.
 */
function endsAfter(url: string, starts: ReadonlySet<number>, literal: string): Set<number> {
  const ends = new Set<number>()
  let inStar = false
  for (let at = 0; at < url.length; at += 1) {
    inStar = (inStar || starts.has(at)) && /[A-Za-z0-9_-]/.test(url.charAt(at))
    if (inStar && url.startsWith(literal, at + 1)) ends.add(at + 1 + literal.length)
  }
  return ends
}
