/** Manifests and indexes of one repository. What is read by its digest is checked against it. */
import { quoted } from '@sigstack/crypto'
import { HttpError, readBounded } from '@sigstack/http-client'
import type { Access } from './authorization.ts'
import type { Descriptor } from './descriptor.ts'
import { type Digest, digestOf, isDigestOf, parseDigest } from './digest.ts'
import {
  baseType,
  type ImageIndex,
  type ImageManifest,
  mostManifestBytes,
  parseDocument,
} from './documents.ts'
import { isNotFound, OciError } from './errors.ts'
import { isIndexType, isManifestType, manifestTypes } from './media-types.ts'
import { isTag, type RepositoryName, repositoryText } from './reference.ts'
import { type Answer, type Transport, unreachable } from './transport.ts'

/** The bytes count: their digest is what is signed. */
export type ManifestFile = Descriptor & {
  readonly bytes: Uint8Array
  readonly document: ImageManifest | ImageIndex
}

export type Pushed = {
  readonly digest: Digest
  /** The subject of the manifest where the registry says that it lists referrers itself. */
  readonly listedSubject: Digest | undefined
}

export type ManifestOperations = {
  /**
   * What a tag or digest stands for, without its bytes. A tag is believed; its digest is what all else goes
   * by.
   */
  resolve(target: string): Promise<Descriptor>
  readManifest(target: string): Promise<ManifestFile>
  /** Under its digest, and under `tag` where there is one. */
  pushManifest(bytes: Uint8Array, mediaType: string, tag?: string): Promise<Pushed>
  /** With all tags that point at it. */
  deleteManifest(digest: Digest): Promise<void>
  /** The tag alone where the registry can, else what it points at. False: there was none. */
  deleteTag(tag: string): Promise<boolean>
}

export function manifestOperations(name: RepositoryName, transport: Transport): ManifestOperations {
  const pull: Access = { name, actions: ['pull'] }
  const push: Access = { name, actions: ['pull', 'push'] }
  const pathOf = (target: string): string => `/v2/${name.repository}/manifests/${checkedTarget(target)}`
  const whatOf = (target: string): string => `the manifest ${target} of ${repositoryText(name)}`
  const accept = { accept: manifestTypes.join(', ') }

  const readManifest = async (target: string): Promise<ManifestFile> => {
    const what = whatOf(target)
    const answer = await transport.call({
      method: 'GET',
      path: pathOf(target),
      access: pull,
      headers: accept,
      expects: [200],
      what,
    })
    const bytes = await readWhole(answer, mostManifestBytes, what)
    return { ...checkedFile(bytes, target, answer, what) }
  }

  return {
    readManifest,

    async resolve(target) {
      const answer = await transport.call({
        method: 'HEAD',
        path: pathOf(target),
        access: pull,
        headers: accept,
        // Some registries have no HEAD.
        expects: [200, 405],
        what: whatOf(target),
      })
      await answer.discard()
      const found = answer.status === 200 ? headOf(target, answer) : undefined
      if (found !== undefined) return found
      const { digest, size, mediaType } = await readManifest(target)
      return { digest, size, mediaType }
    },

    async pushManifest(bytes, mediaType, tag) {
      if (bytes.length > mostManifestBytes)
        throw new OciError(
          'too_large',
          `the manifest for ${repositoryText(name)} has ${bytes.length} bytes, and registries take ${mostManifestBytes}`,
        )
      const digest = digestOf(bytes)
      const what = whatOf(tag ?? digest)
      const answer = await transport.call({
        method: 'PUT',
        path: pathOf(tag ?? digest),
        access: push,
        headers: { 'content-type': mediaType },
        body: () => bytes,
        expects: [200, 201, 202],
        what,
      })
      await answer.discard()
      const told = parseDigest(answer.header('docker-content-digest') ?? '')
      if (told?.startsWith('sha256:') === true && told !== digest)
        throw new OciError(
          'digest_mismatch',
          `the registry stored ${what} as ${told}, and we sent ${digest}; it changes what it is given`,
        )
      return { digest, listedSubject: parseDigest(answer.header('oci-subject') ?? '') }
    },

    async deleteManifest(digest) {
      const answer = await transport.call({
        method: 'DELETE',
        path: pathOf(digest),
        access: push,
        expects: [200, 202, 204],
        what: whatOf(digest),
      })
      await answer.discard()
    },

    async deleteTag(tag) {
      const call = { method: 'DELETE', access: push, expects: [200, 202, 204] } as const
      try {
        const answer = await transport.call({
          ...call,
          path: pathOf(tag),
          // Older registries delete by digest alone, and say so in three ways.
          expects: [...call.expects, 400, 405],
          what: whatOf(tag),
        })
        await answer.discard()
        if (call.expects.some((status) => status === answer.status)) return true
        const { digest } = await this.resolve(tag)
        await this.deleteManifest(digest)
        return true
      } catch (error) {
        if (isNotFound(error)) return false
        throw error
      }
    },
  }
}

function checkedTarget(target: string): string {
  if (parseDigest(target) === undefined && !isTag(target))
    throw new OciError('bad_reference', `${quoted(target)} is neither a tag nor a digest`)
  return target
}

function headOf(target: string, answer: Answer): Descriptor | undefined {
  const told = parseDigest(answer.header('docker-content-digest') ?? '')
  const wanted = parseDigest(target)
  if (wanted !== undefined && told !== undefined && told !== wanted)
    throw new OciError('digest_mismatch', `the registry has ${told} where ${wanted} was asked for`)
  const digest = wanted ?? told
  const length = answer.header('content-length') ?? ''
  const mediaType = baseType(answer.header('content-type'))
  const isKnown = isIndexType(mediaType) || isManifestType(mediaType)
  if (digest === undefined || !isKnown || !/^[0-9]{1,9}$/.test(length)) return undefined
  return { digest, size: Number(length), mediaType }
}

function checkedFile(bytes: Buffer, target: string, answer: Answer, what: string): ManifestFile {
  const wanted = parseDigest(target)
  const told = parseDigest(answer.header('docker-content-digest') ?? '')
  for (const digest of [wanted, told])
    if (digest !== undefined && !isDigestOf(digest, bytes))
      throw new OciError(
        'digest_mismatch',
        `${what} is not what its digest says: it has ${digestOf(bytes)} in place of ${digest}; ` +
          'somebody between here and the registry, or the registry, changed it',
      )
  const document = documentOf(bytes, answer, what)
  return {
    bytes,
    document,
    mediaType: document.mediaType,
    digest: wanted ?? told ?? digestOf(bytes),
    size: bytes.length,
  }
}

function documentOf(bytes: Buffer, answer: Answer, what: string): ImageManifest | ImageIndex {
  try {
    return parseDocument(bytes, answer.header('content-type'))
  } catch (cause) {
    if (!(cause instanceof OciError)) throw cause
    throw new OciError(cause.code, `${what}: ${cause.message}`, { cause })
  }
}

/** The whole body of an answer. Throws {@link OciError}. */
export async function readWhole(answer: Answer, mostBytes: number, what: string): Promise<Buffer> {
  try {
    return await readBounded(answer.body, mostBytes)
  } catch (cause) {
    if (cause instanceof HttpError && cause.code === 'too_large')
      throw new OciError('too_large', `${what} has ${cause.message}, which is the most that is read`, {
        cause,
      })
    throw unreachable(answer.url.host, cause)
  }
}
