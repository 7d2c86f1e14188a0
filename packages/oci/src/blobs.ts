/** Blobs of one repository, as streams: none is ever held whole unless it is asked for so. */
import { HttpError, isCertificateTrouble, readBounded } from '@sigstack/http-client'
import type { Access } from './authorization.ts'
import { type Digest, verified } from './digest.ts'
import { OciError } from './errors.ts'
import { type RepositoryName, repositoryText } from './reference.ts'
import { isPassingHttpError, PassingTrouble } from './retry.ts'
import { type Answer, type Transport, unreachable } from './transport.ts'

/** Where the size is not known, only the digest tells. */
export type BlobId = { readonly digest: Digest; readonly size?: number }
export type BlobSource = () => Uint8Array | AsyncIterable<Uint8Array>
export type BlobOutcome = 'present' | 'mounted' | 'pushed'

export type BlobOperations = {
  hasBlob(digest: Digest): Promise<boolean>
  /**
   * Read once. Checked as it passes, and its last piece comes only where all of it is right: until then
   * nothing of it is to be relied on. Goes on where it was cut off.
   */
  openBlob(blob: BlobId): AsyncIterable<Uint8Array>
  /** Throws `too_large` before anything is read where the size is beyond. */
  readBlob(blob: BlobId, mostBytes?: number): Promise<Buffer>
  /**
   * `open` is called for each attempt. Nothing of a blob that did not arrive whole can be seen by anybody.
   * `mountFrom` is a repository of the same registry that has it.
   */
  pushBlob(blob: Required<BlobId>, open: BlobSource, mountFrom?: string): Promise<BlobOutcome>
}

/** What cosign reads of an attachment at most. */
export const mostAttachmentBytes = 128 * 1024 * 1024
const mostBreaks = 5

export function blobOperations(name: RepositoryName, transport: Transport): BlobOperations {
  const pull: Access = { name, actions: ['pull'] }
  const push: Access = { name, actions: ['pull', 'push'] }
  const root = `/v2/${name.repository}/blobs`
  const whatOf = (digest: Digest): string => `the blob ${digest} of ${repositoryText(name)}`

  const has = async (digest: Digest, access: Access, isTriedOnce: boolean): Promise<boolean> => {
    const answer = await transport.call({
      method: 'HEAD',
      path: `${root}/${digest}`,
      access,
      expects: [200, 404],
      what: whatOf(digest),
      isTriedOnce,
    })
    await answer.discard()
    return answer.status === 200
  }

  async function* pieces({ digest }: BlobId): AsyncGenerator<Uint8Array> {
    let received = 0
    for (let breaks = 0; ; breaks++) {
      const answer = await transport.call({
        method: 'GET',
        path: `${root}/${digest}`,
        access: pull,
        headers: received === 0 ? {} : { range: `bytes=${received}-` },
        expects: received === 0 ? [200] : [200, 206],
        what: whatOf(digest),
      })
      try {
        for await (const piece of fromPosition(answer, received)) {
          received += piece.length
          yield piece
        }
        return
      } catch (error) {
        if (!isPassingHttpError(error, isCertificateTrouble(error)) || breaks === mostBreaks)
          throw unreachable(answer.url.host, error)
      }
    }
  }

  const openBlob = (blob: BlobId): AsyncIterable<Uint8Array> =>
    verified(pieces(blob), blob.digest, blob.size, whatOf(blob.digest))

  /** Each is tried once: a session that broke is left, and the whole begins anew. */
  const pushOnce = async (
    { digest, size }: Required<BlobId>,
    open: BlobSource,
    mountFrom: string | undefined,
  ): Promise<BlobOutcome> => {
    if (await has(digest, push, true)) return 'present'
    const what = whatOf(digest)
    const mount =
      mountFrom === undefined
        ? ''
        : `?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(mountFrom)}`
    const begun = await transport.call({
      method: 'POST',
      path: `${root}/uploads/${mount}`,
      access: { ...push, also: mountFrom },
      headers: { 'content-length': '0' },
      expects: mountFrom === undefined ? [202] : [201, 202],
      what: `an upload of ${what}`,
      isTriedOnce: true,
    })
    await begun.discard()
    if (begun.status === 201) return 'mounted'
    const done = await transport.call({
      method: 'PUT',
      path: uploadPlace(begun, digest, what),
      access: push,
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
      body: open,
      // 404 is for a session that the registry has forgotten.
      expects: [201, 204, 404],
      what,
      isTriedOnce: true,
    })
    await done.discard()
    if (done.status !== 404) return 'pushed'
    throw new PassingTrouble(
      new OciError('busy', `${name.registry} forgot the upload of ${what} before its end; try again later`, {
        status: 404,
      }),
    )
  }

  return {
    hasBlob: (digest) => has(digest, pull, false),
    openBlob,

    async readBlob(blob, mostBytes = mostAttachmentBytes) {
      const what = whatOf(blob.digest)
      if (blob.size !== undefined && blob.size > mostBytes) throw tooLarge(what, mostBytes)
      return readPieces(openBlob(blob), mostBytes, what)
    },

    pushBlob: (blob, open, mountFrom) => transport.patiently(() => pushOnce(blob, open, mountFrom)),
  }
}

/** All of what `what` is. Throws {@link OciError} `too_large`. */
export async function readPieces(
  pieces: AsyncIterable<Uint8Array>,
  mostBytes: number,
  what: string,
): Promise<Buffer> {
  try {
    return await readBounded(pieces, mostBytes)
  } catch (error) {
    throw error instanceof HttpError && error.code === 'too_large' ? tooLarge(what, mostBytes) : error
  }
}

function tooLarge(what: string, mostBytes: number): OciError {
  return new OciError('too_large', `${what} has more than ${mostBytes} bytes, the most that is read`)
}

/** A registry may send the whole again in place of the rest. */
async function* fromPosition(answer: Answer, position: number): AsyncGenerator<Uint8Array> {
  if (answer.status === 206 && !(answer.header('content-range') ?? '').startsWith(`bytes ${position}-`))
    throw new OciError('bad_answer', `${answer.url.host} sends another range than the one it was asked for`)
  let toSkip = answer.status === 206 ? 0 : position
  for await (const piece of answer.body) {
    const rest = piece.subarray(Math.min(toSkip, piece.length))
    toSkip -= piece.length - rest.length
    if (rest.length > 0) yield rest
  }
}

/** The query of the place is kept: it may be what the registry knows the session by. */
function uploadPlace(begun: Answer, digest: Digest, what: string): URL {
  const place = URL.parse(begun.header('location') ?? '', begun.url.href)
  if (begun.header('location') === undefined || place === null)
    throw new OciError('bad_answer', `${begun.url.host} does not say where ${what} is to be put`)
  place.searchParams.append('digest', digest)
  return place
}
