/** Images into one file: an OCI layout as a tar, written front to back. Nobody sees half of one. */
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode } from '@sigstack/crypto'
import type { ContentTarget } from '../content.ts'
import type { Descriptor } from '../descriptor.ts'
import { type Digest, digestOf, partsOfDigest, verified } from '../digest.ts'
import { encodeIndex } from '../documents.ts'
import { OciError } from '../errors.ts'
import { partialName, removeAbandoned } from '../partial-files.ts'
import { blockBytes, encodeHeader, paddingOf } from './tar.ts'

export type ArchiveWriter = ContentTarget & {
  writeFile(name: string, content: Uint8Array): Promise<void>
  /** With what its index lists; only now is there a file. Its size. */
  finish(entries: readonly Descriptor[]): Promise<number>
  discard(): Promise<void>
}

/** What a run that was killed has left of a file of that name is removed. */
export async function createArchive(path: string): Promise<ArchiveWriter> {
  await removeAbandoned(dirname(path), basename(path))
  const partial = join(dirname(path), partialName(basename(path)))
  const file = await open(partial, 'wx', 0o600).catch((cause: unknown) => {
    throw new OciError('unwritable', `${path} cannot be written: ${errorCode(cause) ?? 'unknown reason'}`, {
      cause,
    })
  })
  const written = new Set<Digest>()
  let at = 0
  let turn: Promise<unknown> = Promise.resolve()

  const put = async (bytes: Uint8Array): Promise<void> => {
    for (let done = 0; done < bytes.length; )
      done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten
    at += bytes.length
  }
  /** One file after the other, whoever asks. What does not arrive whole is written over. */
  const add = (name: string, size: number, content: () => AsyncIterable<Uint8Array>): Promise<void> => {
    const own = turn.then(async () => {
      const start = at
      try {
        await put(encodeHeader(name, size))
        for await (const piece of content()) await put(piece)
        await put(new Uint8Array(paddingOf(size)))
      } catch (error) {
        at = start
        throw error
      }
    })
    turn = own.catch(() => undefined)
    return own
  }
  const addBytes = (name: string, bytes: Uint8Array): Promise<void> =>
    add(name, bytes.length, async function* () {
      yield bytes
    })
  const pushManifest = async (bytes: Uint8Array) => {
    const digest = digestOf(bytes)
    if (!written.has(digest)) {
      written.add(digest)
      await addBytes(nameOf(digest), bytes)
    }
    return { digest, listedSubject: undefined }
  }

  await addBytes('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  return {
    async pushBlob({ digest, size }, source) {
      if (written.has(digest)) return 'present'
      written.add(digest)
      try {
        await add(nameOf(digest), size, () => verified(pieces(source()), digest, size, `blob ${digest}`))
      } catch (error) {
        written.delete(digest)
        throw error
      }
      return 'pushed'
    },
    pushManifest,
    pushReferrer: pushManifest,
    writeFile: addBytes,
    async finish(entries) {
      await addBytes('index.json', encodeIndex(entries))
      await put(new Uint8Array(2 * blockBytes))
      await file.truncate(at)
      await file.sync()
      await file.close()
      await rename(partial, path)
      return at
    },
    async discard() {
      await file.close().catch(() => undefined)
      await rm(partial, { force: true })
    },
  }
}

function nameOf(digest: Digest): string {
  const { algorithm, hex } = partsOfDigest(digest)
  return `blobs/${algorithm}/${hex}`
}

async function* pieces(given: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (given instanceof Uint8Array) yield given
  else yield* given
}
