export { TileError, type TileErrorCode } from './errors.ts'
export { openTiles, type ShownCheckpoint, type TileLog, type TileLogOptions } from './tile-log.ts'
