/** Paths of tiles and entry bundles below a log's URL (C2SP tlog-tiles, "Parameters"). */
import { tileWidth } from './tile.ts'

export type TileCoordinates = {
  /** Level of tile, or `entries` for the bundle of entries beside the level-0 tile. */
  readonly level: number | 'entries'
  readonly index: bigint
  /** 1 to 256; 256 is the full tile. */
  readonly width: number
}

const grammar = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/
const highestLevel = 63

export function tilePath({ level, index, width }: TileCoordinates): string {
  const digits = index.toString()
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const number = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${level}/${number}${width < tileWidth ? `.p/${width}` : ''}`
}

/** `undefined` for anything that {@link tilePath} would not write. */
export function parseTilePath(path: string): TileCoordinates | undefined {
  const found = grammar.exec(path)
  if (found === null) return undefined
  const [, levelText = '', number = '', widthText] = found
  const level: TileCoordinates['level'] = levelText === 'entries' ? 'entries' : Number(levelText)
  const width = widthText === undefined ? tileWidth : Number(widthText)
  if (width > tileWidth - (widthText === undefined ? 0 : 1)) return undefined
  if (level !== 'entries' && level > highestLevel) return undefined
  const coordinates = { level, index: BigInt(number.replaceAll(/[x/]/g, '')), width }
  // One tile, one path: a leading x000 group would be a second name.
  return tilePath(coordinates) === path ? coordinates : undefined
}

/** How many hashes the tile has in a tree of `treeSize`, 0 to 256. */
export function widthOfTile(level: number, index: bigint, treeSize: bigint): number {
  const hashes = treeSize >> BigInt(8 * level)
  const width = hashes - index * BigInt(tileWidth)
  return width <= 0n ? 0 : width >= BigInt(tileWidth) ? tileWidth : Number(width)
}
