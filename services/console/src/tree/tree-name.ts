/** Logs that are read by tiles, as the addresses of their entries name them. */
import type { ServiceUrls } from '../config.ts'

export type TreeName = 'rekor-v2' | 'ct'

export function leafPath(tree: TreeName, index: bigint): string {
  return `/entry/${tree}/${index}`
}

/** Undefined where the console is told of no such log. */
export function treeUrl(urls: ServiceUrls, tree: TreeName): string | undefined {
  return tree === 'ct' ? urls.ct : urls.rekorV2
}
