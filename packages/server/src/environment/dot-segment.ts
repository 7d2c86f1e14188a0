/** Whether a path has a segment that stands for another: clients take it out before they ask (RFC 3986 section 5.2.4). */
export function hasDotSegment(path: string): boolean {
  return path.split('/').some((segment) => segment === '.' || segment === '..')
}
