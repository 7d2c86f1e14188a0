/**
 * Tiles (C2SP tlog-tiles): 256 hashes of one level of tile each, 8 levels of tree apart, with the nodes above them.
 *
 * A tile only ever grows: hashes below its width never change, so a reader that holds an older width may read on
 * while another hash is put behind it.
 */
import { asHash, hashBytes, hashPairInto } from './hash.ts'
import type { Hash } from './types.ts'

/** Hashes in a full tile. */
export const tileWidth = 256
/** Levels of tree that one level of tiles spans. */
export const tileHeight = 8

/** 256 hashes, then the 128 nodes above them, and so on up to the tile's root: 511 in all. */
export type Tile = { readonly nodes: Buffer }

export function createTile(): Tile {
  return { nodes: Buffer.alloc((2 * tileWidth - 1) * hashBytes) }
}

/** A tile from the hashes of its lowest row, `hashes.length / 32` wide. */
export function tileFromHashes(hashes: Uint8Array): Tile {
  const tile = createTile()
  for (let at = 0; at < hashes.length / hashBytes; at++) {
    putHash(tile, at, hashes.subarray(at * hashBytes, (at + 1) * hashBytes))
  }
  return tile
}

/** Puts the hash at `position`, the tile's width so far, and computes the nodes that it completes. */
export function putHash(tile: Tile, position: number, hash: Uint8Array): void {
  tile.nodes.set(hash, offset(0, position))
  let index = position
  for (let height = 0; height < tileHeight && (index & 1) === 1; height++) {
    hashPairInto(tile.nodes, offset(height, index - 1), offset(height + 1, index >> 1))
    index >>= 1
  }
}

/** The node number `index` at `height` (0 to 8) above the tile's lowest row; complete only below the tile's width. */
export function tileNode(tile: Tile, height: number, index: number): Hash {
  const start = offset(height, index)
  return asHash(tile.nodes.subarray(start, start + hashBytes))
}

/** The first `width` hashes, as C2SP serves them. */
export function tileHashes(tile: Tile, width: number): Uint8Array {
  return tile.nodes.subarray(0, width * hashBytes)
}

function offset(height: number, index: number): number {
  return (2 * tileWidth - ((2 * tileWidth) >> height) + index) * hashBytes
}
