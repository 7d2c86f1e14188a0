/**
 * Patterns for families of issuers, as in `https://oidc.eks.*.amazonaws.com/id/*`.
 *
 * `*` stands for one or more of `A-Z a-z 0-9 _ -`: no dot and no slash, so that it never spans a label of
 * the host name or a segment of the path. Everything else is literal, and both ends are anchored: an open
 * end would let a token choose the host that its keys come from.
 */
export function compilePattern(pattern: string): (url: string) => boolean {
  const literals = pattern.split('*').map((literal) => literal.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
  const expression = new RegExp(`^${literals.join('[A-Za-z0-9_-]+')}$`, 'u')
  // `$` without the m flag matches only at the very end of the input, also after a line feed.
  return (url) => expression.test(url)
}
