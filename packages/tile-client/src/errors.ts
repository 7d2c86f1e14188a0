/** Stable: callers may decide by these codes. Messages may change. */
export type TileErrorCode =
  /** The log, or somebody before it, does not answer. */
  | 'unreachable'
  /** It has no such tile, or shows none. */
  | 'not_found'
  /** What it shows is no tile or bundle of that width. */
  | 'malformed'

/** Why a tile could not be read. The message names the URL, escaped. */
export class TileError extends Error {
  override readonly name = 'TileError'
  readonly code: TileErrorCode
  constructor(code: TileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
