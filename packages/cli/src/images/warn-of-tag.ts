import type { Io } from '../io.ts'
import type { Image } from './image.ts'

/** Who signs by tag signs what the tag means now. */
export function warnOfTag(io: Io, { given, reference, digest }: Image): void {
  if (reference.digest !== undefined) return
  io.err(
    `WARNING: Image reference ${given} uses a tag, not a digest, to identify the image to sign.
    A tag moves: what is signed is ${digest}, which may be
    another image than the one you mean. Name the image by its digest to be sure.\n`,
  )
}
