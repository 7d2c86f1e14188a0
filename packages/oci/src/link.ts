/** `Link` headers (RFC 8288), of which registries use `rel="next"`. */

const longestHeader = 16 * 1024

/** The target of the first link to the next page; undefined where there is none. One pass. */
export function nextLink(header: string | undefined): string | undefined {
  const text = header ?? ''
  if (text.length > longestHeader) return undefined
  for (let at = 0; at < text.length; ) {
    const start = text.indexOf('<', at)
    const end = text.indexOf('>', start)
    if (start < 0 || end < 0) return undefined
    const following = text.indexOf('<', end)
    const parameters = text.slice(end + 1, following < 0 ? undefined : following)
    if (/;\s*rel\s*=\s*"?next(?:["\s;,]|$)/i.test(parameters)) return text.slice(start + 1, end)
    at = end + 1
  }
  return undefined
}
