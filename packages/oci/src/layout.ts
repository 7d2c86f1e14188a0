/**
 * OCI image layouts: a folder with `oci-layout`, `index.json` and `blobs/ALGORITHM/HEX`. A layout may come
 * from anybody, so what is read of it is bounded, only plain files are opened, and each is checked against
 * the digest that is its name.
 */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, opendir, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { errorCode } from '@sigstack/crypto'
import { readBounded } from '@sigstack/http-client'
import type { BlobId, BlobOutcome, BlobSource } from './blobs.ts'
import type { ContentSource, ContentTarget } from './content.ts'
import type { Descriptor } from './descriptor.ts'
import { type Digest, digestOf, isDigestOf, parseDigest, partsOfDigest, verified } from './digest.ts'
import { encodeIndex, type ImageIndex, mostManifestBytes, parseDocument, parseIndex } from './documents.ts'
import { OciError } from './errors.ts'
import type { ManifestFile, Pushed } from './manifests.ts'
import { partialName, removeAbandoned } from './partial-files.ts'
import { entryOf } from './referrers.ts'

export type Layout = ContentSource &
  ContentTarget & {
    readonly folder: string
    /** What `index.json` lists. */
    readEntries(): Promise<readonly Descriptor[]>
    /** In place of what it listed. */
    writeEntries(entries: readonly Descriptor[]): Promise<void>
  }

const mostFiles = 200_000
const refName = 'org.opencontainers.image.ref.name'

/** Throws {@link OciError} `bad_document` where the folder is no layout. */
export async function openLayout(folder: string): Promise<Layout> {
  const marker = await readSmall(path.join(folder, 'oci-layout')).catch((cause: unknown) => {
    throw new OciError(
      'bad_document',
      `${folder} is no OCI layout: it has no readable file oci-layout; name a folder that save has written`,
      { cause },
    )
  })
  if (!/"imageLayoutVersion"\s{0,9}:\s{0,9}"1\./.test(marker.toString('utf8', 0, 1000)))
    throw new OciError('bad_document', `${folder} is no OCI layout of version 1`)
  return layoutIn(folder)
}

/** An empty one, or the one that is there, without what a run that was killed has left in it. */
export async function createLayout(folder: string): Promise<Layout> {
  await mkdir(path.join(folder, 'blobs', 'sha256'), { recursive: true })
  await removeAbandoned(folder, '')
  const layout = layoutIn(folder)
  const isNew = await writeFile(path.join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}', {
    flag: 'wx',
  }).then(
    () => true,
    (error: unknown) => {
      if (errorCode(error) === 'EEXIST') return false
      throw error
    },
  )
  if (isNew) await layout.writeEntries([])
  return layout
}

function layoutIn(folder: string): Layout {
  let referrers: Promise<Map<Digest, Descriptor[]>> | undefined
  const fileOf = (digest: Digest): string => {
    const { algorithm, hex } = partsOfDigest(digest)
    return path.join(folder, 'blobs', algorithm, hex)
  }
  const missing = (what: string, cause: unknown): OciError =>
    new OciError('not_found', `${folder} has no ${what}: ${errorCode(cause) ?? 'it cannot be read'}`, {
      cause,
    })

  const readEntries = async (): Promise<readonly Descriptor[]> => (await readIndex(folder)).manifests

  const readManifest = async (target: string): Promise<ManifestFile> => {
    const digest =
      parseDigest(target) ??
      (await readEntries()).find(({ annotations }) => annotations?.[refName] === target)?.digest
    if (digest === undefined) throw new OciError('not_found', `${folder} has no manifest ${target}`)
    const bytes = await readSmall(fileOf(digest)).catch((cause: unknown) => {
      if (cause instanceof OciError) throw cause
      throw missing(`manifest ${digest}`, cause)
    })
    if (!isDigestOf(digest, bytes))
      throw new OciError(
        'digest_mismatch',
        `${fileOf(digest)} is not what its name says; save the image again`,
      )
    const document = parseDocument(bytes)
    return { bytes, document, mediaType: document.mediaType, digest, size: bytes.length }
  }

  async function* openBlob({ digest, size }: BlobId): AsyncGenerator<Uint8Array> {
    const file = await openPlain(fileOf(digest)).catch((cause: unknown) => {
      throw missing(`blob ${digest}`, cause)
    })
    try {
      yield* verified(file.createReadStream({ autoClose: false }), digest, size, fileOf(digest))
    } finally {
      await file.close()
    }
  }

  const pushBlob = async (blob: Required<BlobId>, source: BlobSource): Promise<BlobOutcome> => {
    const file = fileOf(blob.digest)
    const there = await stat(file).catch(() => undefined)
    if (there?.isFile() === true && there.size === blob.size) return 'present'
    const given = source()
    const pieces = given instanceof Uint8Array ? [given] : given
    await mkdir(path.dirname(file), { recursive: true })
    // Not among the blobs: some programs read whatever lies there.
    const partial = path.join(folder, partialName(''))
    try {
      await writeFile(
        partial,
        verified(asynchronous(pieces), blob.digest, blob.size, `blob ${blob.digest}`),
        {
          flag: 'wx',
        },
      )
      await rename(partial, file)
    } catch (error) {
      await rm(partial, { force: true })
      throw error
    }
    return 'pushed'
  }

  const pushManifest = async (bytes: Uint8Array): Promise<Pushed> => {
    const digest = digestOf(bytes)
    await pushBlob({ digest, size: bytes.length }, () => bytes)
    return { digest, listedSubject: undefined }
  }

  return {
    folder,
    readEntries,
    readManifest,
    openBlob,
    pushBlob,
    pushManifest,

    async writeEntries(entries) {
      const partial = path.join(folder, partialName(''))
      await writeFile(partial, encodeIndex(entries), { flag: 'wx' })
      await rename(partial, path.join(folder, 'index.json'))
    },

    async listReferrers(subject) {
      referrers ??= findReferrers(path.join(folder, 'blobs', 'sha256'))
      return (await referrers).get(subject) ?? []
    },

    async pushReferrer(bytes) {
      referrers = undefined
      return pushManifest(bytes)
    },
  }
}

async function* asynchronous(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* pieces
}

async function readIndex(folder: string): Promise<ImageIndex> {
  const file = path.join(folder, 'index.json')
  const bytes = await readSmall(file).catch((cause: unknown) => {
    throw new OciError('bad_document', `${file} cannot be read: ${errorCode(cause) ?? 'it is no file'}`, {
      cause,
    })
  })
  return parseIndex(bytes)
}

/** The layout has no list of them: every small file that is a manifest with a subject is one. */
async function findReferrers(folder: string): Promise<Map<Digest, Descriptor[]>> {
  const found = new Map<Digest, Descriptor[]>()
  let count = 0
  for await (const entry of await opendir(folder)) {
    const { name } = entry
    if (++count > mostFiles) throw new OciError('too_large', `${folder} has more than ${mostFiles} files`)
    const digest = parseDigest(`sha256:${name}`)
    if (digest === undefined || !entry.isFile()) continue
    const referrer = await referrerIn(path.join(folder, name), digest)
    if (referrer === undefined) continue
    const known = found.get(referrer.subject)
    if (known === undefined) found.set(referrer.subject, [referrer.descriptor])
    else known.push(referrer.descriptor)
  }
  return found
}

async function referrerIn(file: string, digest: Digest): Promise<ReturnType<typeof entryOf> | undefined> {
  const { size } = await stat(file)
  if (size > mostManifestBytes) return undefined
  const bytes = await readSmall(file)
  // Most blobs are no JSON, or say nothing of a subject.
  if (bytes[0] !== 0x7b || !bytes.includes('"subject"') || !isDigestOf(digest, bytes)) return undefined
  try {
    return entryOf(bytes)
  } catch {
    return undefined
  }
}

async function readSmall(file: string): Promise<Buffer> {
  const handle = await openPlain(file)
  try {
    return await readBounded(handle.createReadStream({ autoClose: false }), mostManifestBytes)
  } finally {
    await handle.close()
  }
}

/** No link to another place, and no pipe that never ends. */
async function openPlain(file: string): Promise<FileHandle> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new OciError('bad_document', `${file} is no plain file`)
}
