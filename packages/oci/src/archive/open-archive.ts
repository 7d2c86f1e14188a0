/**
 * Images in one file: an OCI layout as a tar. It may come from anybody: names are those of a layout or the
 * file is refused, nothing is unpacked, and each part is checked against the digest that is its name.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { errorCode } from '@sigstack/crypto'
import { readBounded } from '@sigstack/http-client'
import { type BlobId, mostAttachmentBytes, readPieces } from '../blobs.ts'
import type { ContentSource } from '../content.ts'
import type { Descriptor } from '../descriptor.ts'
import { type Digest, isDigestOf, parseDigest, partsOfDigest, verified } from '../digest.ts'
import { mostManifestBytes, parseDocument, parseIndex } from '../documents.ts'
import { OciError } from '../errors.ts'
import type { ManifestFile } from '../manifests.ts'
import { entryOf } from '../referrers.ts'
import { attachedBy } from '../save-and-load.ts'
import { attachedTag } from '../tag-names.ts'
import { findFiles, type TarPlace } from './tar.ts'

export type Archive = ContentSource & {
  /** What its index lists. */
  readonly entries: readonly Descriptor[]
  readBlob(blob: BlobId, mostBytes?: number): Promise<Buffer>
  /** A small file beside the layout; undefined where there is none. */
  readFile(name: string, mostBytes: number): Promise<Buffer | undefined>
  close(): Promise<void>
}

const pieceBytes = 256 * 1024
/** Beside the blobs; the last two are docker's, and are not looked at. */
const names = ['oci-layout', 'index.json', 'manifest.json', 'repositories']
const blobName = /^blobs\/(sha256\/[0-9a-f]{64}|sha512\/[0-9a-f]{128})$/

/** `more` are names of further files that may be in it. Throws {@link OciError}. */
export async function openArchive(path: string, more: readonly string[] = []): Promise<Archive> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new OciError('not_found', `${path} cannot be read: ${errorCode(cause) ?? 'unknown reason'}`, {
      cause,
    })
  })
  try {
    if (!(await file.stat()).isFile()) throw new OciError('bad_document', `${path} is no plain file`)
    const places = await findFiles(
      file,
      (name) => names.includes(name) || more.includes(name) || blobName.test(name),
    )
    return await archiveIn(path, file, places)
  } catch (error) {
    await file.close()
    throw error
  }
}

async function archiveIn(
  path: string,
  file: FileHandle,
  places: ReadonlyMap<string, TarPlace>,
): Promise<Archive> {
  const piecesOf = async function* ({ offset, size }: TarPlace): AsyncGenerator<Uint8Array> {
    for (let done = 0; done < size; ) {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, size - done))
      const { bytesRead } = await file.read(piece, 0, piece.length, offset + done)
      if (bytesRead === 0) throw new OciError('bad_document', `${path} was cut off while it was read`)
      yield piece.subarray(0, bytesRead)
      done += bytesRead
    }
  }
  const readFile = async (name: string, mostBytes: number): Promise<Buffer | undefined> => {
    const place = places.get(name)
    if (place === undefined) return undefined
    if (place.size > mostBytes)
      throw new OciError('too_large', `${name} of ${path} has more than ${mostBytes} bytes`)
    return readBounded(piecesOf(place), mostBytes)
  }
  const placeOf = (digest: Digest, what: string): TarPlace => {
    const { algorithm, hex } = partsOfDigest(digest)
    const place = places.get(`blobs/${algorithm}/${hex}`)
    if (place !== undefined) return place
    throw new OciError('not_found', `${path} lacks the ${what} ${digest}; pack the image again`)
  }
  const marker = await readFile('oci-layout', 1000)
  const index = await readFile('index.json', mostManifestBytes)
  if (index === undefined || !/"imageLayoutVersion"\s{0,9}:\s{0,9}"1\./.test(marker?.toString() ?? ''))
    throw new OciError('bad_document', `${path} holds no OCI layout; name a file that pack has written`)
  const entries = parseIndex(index).manifests

  const readManifest = async (target: string): Promise<ManifestFile> => {
    const digest = parseDigest(target) ?? taggedIn(entries, target)
    if (digest === undefined) throw new OciError('not_found', `${path} has no manifest ${target}`)
    const { algorithm, hex } = partsOfDigest(digest)
    placeOf(digest, 'manifest')
    const bytes = await readFile(`blobs/${algorithm}/${hex}`, mostManifestBytes)
    if (bytes === undefined || !isDigestOf(digest, bytes))
      throw new OciError('digest_mismatch', `the manifest ${digest} in ${path} is not what its name says`)
    const document = parseDocument(bytes)
    return { bytes, document, mediaType: document.mediaType, digest, size: bytes.length }
  }
  const openBlob = ({ digest, size }: BlobId): AsyncGenerator<Uint8Array> =>
    verified(piecesOf(placeOf(digest, 'blob')), digest, size, `the blob ${digest} in ${path}`)

  let referrers: Promise<ReadonlyMap<Digest, readonly Descriptor[]>> | undefined
  /** There is no list of them: every small file that is a manifest with a subject is one. */
  const findReferrers = async (): Promise<ReadonlyMap<Digest, readonly Descriptor[]>> => {
    const found = new Map<Digest, Descriptor[]>()
    for (const [name, { size }] of places) {
      const digest = name.startsWith('blobs/sha256/') ? parseDigest(`sha256:${name.slice(13)}`) : undefined
      if (digest === undefined || size > mostManifestBytes) continue
      const bytes = await readFile(name, mostManifestBytes)
      // Most blobs are no JSON, or say nothing of a subject.
      if (bytes?.[0] !== 0x7b || !bytes.includes('"subject"') || !isDigestOf(digest, bytes)) continue
      const referrer = referrerIn(bytes)
      if (referrer === undefined) continue
      const known = found.get(referrer.subject)
      if (known === undefined) found.set(referrer.subject, [referrer.descriptor])
      else known.push(referrer.descriptor)
    }
    return found
  }

  return {
    entries,
    readManifest,
    openBlob,
    readFile,
    readBlob: async (blob, mostBytes = mostAttachmentBytes) =>
      readPieces(openBlob(blob), mostBytes, `the blob ${blob.digest} in ${path}`),
    async listReferrers(subject) {
      referrers ??= findReferrers()
      return (await referrers).get(subject) ?? []
    },
    close: () => file.close(),
  }
}

function referrerIn(bytes: Buffer): ReturnType<typeof entryOf> | undefined {
  try {
    return entryOf(bytes)
  } catch {
    return undefined
  }
}

/** By an old tag, which is made of the digest that it is attached to. */
function taggedIn(entries: readonly Descriptor[], tag: string): Digest | undefined {
  const [root] = entries
  return entries.find((entry) => {
    const attached = root === undefined ? undefined : attachedBy(entry, root)
    return attached !== undefined && attachedTag(attached.digest, attached.kind) === tag
  })?.digest
}
