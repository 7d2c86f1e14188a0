/** The right edge of a tree as bytes, for the database: of each level of tiles its width in 16 bits and its hashes. */
import { hashBytes, type Tree, tileFromHashes, tileHashes, treeFromEdge } from '@sigstack/merkle'

export function encodeEdge({ edge }: Tree): Buffer {
  return Buffer.concat(
    edge.flatMap(({ width, tile }) => {
      const head = Buffer.alloc(2)
      head.writeUInt16BE(width)
      return [head, tileHashes(tile, width)]
    }),
  )
}

/** The tree that {@link encodeEdge} has written. */
export function decodeEdge(size: bigint, bytes: Buffer): Tree {
  const edge = []
  for (let at = 0; at < bytes.length; ) {
    const width = bytes.readUInt16BE(at)
    const end = at + 2 + width * hashBytes
    edge.push({ width, tile: tileFromHashes(bytes.subarray(at + 2, end)) })
    at = end
  }
  return treeFromEdge(size, edge)
}
