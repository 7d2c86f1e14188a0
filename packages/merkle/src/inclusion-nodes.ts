/**
 * Which nodes of tiles an inclusion proof is made of (RFC 6962 section 2.1.1). Every answer to a writer has one, so it is found tile by
 * tile, by bits of small numbers.
 */
import { tileHeight, tileWidth } from './tile.ts'

/**
 * A node as `tileNode` names it, in the tile of that level and index. It is a sibling; where `continues` is true, it is the next of
 * those, from the right, that together make the one at the right edge of the tree.
 */
export type VisitNode = (
  level: number,
  tileIndex: bigint,
  height: number,
  position: number,
  continues: boolean,
) => void

const tileBits = BigInt(tileHeight)
const lowBits = BigInt(tileWidth - 1)

/** From the leaf upwards. The leaf must be in the tree. */
export function visitSiblings(leafIndex: bigint, treeSize: bigint, visit: VisitNode): void {
  let index = leafIndex
  let hashes = treeSize
  for (let level = 0; hashes > 0n; level++) {
    const tileIndex = index >> tileBits
    const position = Number(index & lowBits)
    const width = tileIndex === hashes >> tileBits ? Number(hashes & lowBits) : tileWidth
    for (let height = 0; height < tileHeight; height++) {
      const node = position >> height
      const complete = width >> height
      const sibling = node ^ 1
      if (sibling < complete) visit(level, tileIndex, height, sibling, false)
      // To the right of a complete node, what is left of the tree. A node that is not complete reaches to its end.
      else if (node < complete) visitEdge(treeSize, level, height, visit)
    }
    index = tileIndex
    hashes >>= tileBits
  }
}

/** The perfect subtrees at the right edge that are lower than that node, from the right. */
function visitEdge(treeSize: bigint, topLevel: number, topHeight: number, visit: VisitNode): void {
  let hashes = treeSize
  let continues = false
  for (let level = 0; level <= topLevel; level++) {
    const tileIndex = hashes >> tileBits
    const width = Number(hashes & lowBits)
    const end = level === topLevel ? topHeight : tileHeight
    for (let height = 0; height < end; height++) {
      const complete = width >> height
      if ((complete & 1) === 0) continue
      visit(level, tileIndex, height, complete - 1, continues)
      continues = true
    }
    hashes = tileIndex
  }
}
