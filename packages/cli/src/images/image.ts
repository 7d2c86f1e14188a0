/** The image that a word of the command line means. */

import { parseHex } from '@sigstack/crypto'
import {
  attachedTag,
  type Digest,
  isNotFound,
  mostAttachmentBytes,
  openSaved,
  parseReference,
  type Reference,
  type Repository,
  type RepositoryName,
  readPieces,
  repositoryText,
} from '@sigstack/oci'
import type { Artifact } from '@sigstack/verification'
import type { Registries } from './registry-options.ts'

/** What can be verified: in a registry, or in a folder. */
export type AttachedImage = {
  /** As the caller wrote it. */
  readonly given: string
  readonly digest: Digest
  /** Where signatures and attestations are. */
  readonly attachments: Attachments
  readonly tagPrefix: string
  /** Of one thing that is attached; undefined: the limit of its kind. */
  readonly mostBytes?: number | undefined
}

type Attachments = Pick<Repository, 'readManifest' | 'readBlob' | 'listReferrers'> & {
  /** Undefined: a folder. */
  readonly name?: RepositoryName
}

export type Image = AttachedImage & {
  readonly reference: Reference
  readonly repository: Repository
  readonly attachments: Repository
  readonly dockerTypes: boolean
}

/** A digest is taken at its word: nothing is asked for it. */
export async function findImage(registries: Registries, given: string): Promise<Image> {
  const { client, tagPrefix, dockerTypes, mostBytes } = registries
  const reference = parseReference(given)
  const repository = client.repository(reference)
  return {
    given,
    reference,
    digest: reference.digest ?? (await repository.resolve(reference.tag ?? 'latest')).digest,
    repository,
    attachments: attachmentsOf(registries, repository),
    tagPrefix,
    dockerTypes,
    mostBytes,
  }
}

/** The image, or what is attached to it under an old tag: that may be signed itself. */
export async function findSigned(
  registries: Registries,
  given: string,
  attachment: 'sbom' | undefined,
): Promise<Image> {
  const image = await findImage(registries, given)
  if (attachment === undefined) return image
  const { digest } = await image.attachments.resolve(tagOf(image, attachment))
  return { ...image, digest, repository: image.attachments }
}

/** An image in a folder that save has written. */
export async function findLocal(folder: string): Promise<AttachedImage> {
  const { image, content } = await openSaved(folder)
  return {
    given: folder,
    digest: image.digest,
    attachments: {
      readManifest: content.readManifest,
      listReferrers: content.listReferrers,
      readBlob: (blob, mostBytes = mostAttachmentBytes) =>
        readPieces(content.openBlob(blob), mostBytes, `the blob ${blob.digest} in ${folder}`),
    },
    tagPrefix: '',
  }
}

/** Where what is attached to images of a repository is. */
export function attachmentsOf({ client, attachedIn }: Registries, repository: Repository): Repository {
  return attachedIn === undefined ? repository : client.repository(attachedIn)
}

/** The manifest, as what is signed. */
export function artifactOfImage({ digest }: Pick<Image, 'digest'>): Artifact {
  const [algorithm = '', hex = ''] = digest.split(':')
  return { digests: { [algorithm]: parseHex(hex) } }
}

export function tagOf({ digest, tagPrefix }: AttachedImage, kind: 'sig' | 'att' | 'sbom'): string {
  return attachedTag(digest, kind, tagPrefix)
}

/** For people: the repository in full, and a tag of it. */
export function placeOf({ given, attachments: { name } }: AttachedImage, tag: string): string {
  return `${name === undefined ? given : repositoryText(name)}:${tag}`
}

export async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
