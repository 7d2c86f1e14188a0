/** Content codings (RFC 9110 section 8.4): some servers compress whatever they are asked for. */
import { pipeline, type Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { HttpError } from './errors.ts'

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  // zlib, as the standard has it (section 8.4.1.2).
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

/** More than one is no more than allowed by the grammar, and each may make a thousand bytes of one. */
const mostCodings = 2

/**
 * The body without its codings. It is decoded as it is read, so whoever bounds the reading bounds the work too. Throws
 * {@link HttpError} where a coding is not known.
 */
export function decodeContent(body: Readable, contentEncoding: string | readonly string[] = ''): Readable {
  const codings = [contentEncoding]
    .flat()
    .join()
    .slice(0, 200)
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
  if (codings.length > mostCodings) throw unknown('more than two content codings')
  return codings.toReversed().reduce<Readable>((stream, coding) => {
    const decoder = Object.hasOwn(decoders, coding) ? decoders[coding] : undefined
    if (decoder === undefined) throw unknown('a content coding that is not known')
    // Errors reach whoever reads the last stream; an early end there closes the first.
    return pipeline(stream, decoder(), () => undefined)
  }, body)
}

function unknown(what: string): HttpError {
  return new HttpError('unreachable', `an answer in ${what}`)
}
