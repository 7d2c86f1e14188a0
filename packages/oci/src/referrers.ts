/**
 * Referrers: what points at a manifest by its `subject`. A registry lists them itself (OCI distribution
 * specification 1.1), or it does not, and then an index under a tag that is made of the subject's digest is
 * the list, and every writer keeps it.
 *
 * Registries have no compare and set for tags. So a writer reads its work again, after as long as another
 * writer may be between its own reading and writing; what is gone is written again. Writers of this process
 * take turns.
 */
import type { Access } from './authorization.ts'
import type { Descriptor } from './descriptor.ts'
import { type Digest, digestOf } from './digest.ts'
import {
  baseType,
  encodeIndex,
  type ImageIndex,
  mostManifestBytes,
  parseDocument,
  parseReferrers,
} from './documents.ts'
import { OciError } from './errors.ts'
import { type ManifestOperations, type Pushed, readWhole } from './manifests.ts'
import { mediaTypes } from './media-types.ts'
import { readPages } from './pages.ts'
import { type RepositoryName, repositoryText } from './reference.ts'
import type { Patience } from './retry.ts'
import { referrersTag } from './tag-names.ts'
import type { Transport } from './transport.ts'

export type ReferrerOperations = {
  /**
   * All of them, or those whose entry has the artifact type. None is no error. Some registries write the type
   * of the config into the entry where the manifest has another: whoever must miss none asks for all, and
   * reads each.
   */
  listReferrers(subject: Digest, artifactType?: string): Promise<readonly Descriptor[]>
  /** Whether the registry lists referrers itself. */
  hasReferrersApi(subject: Digest): Promise<boolean>
  /** What it answers where it is asked for its list, as it comes. */
  askReferrersApi(
    subject: Digest,
  ): Promise<{ readonly status: number; readonly contentType: string | undefined }>
  /** A manifest with a subject, by its digest; it is listed when this resolves. */
  pushReferrer(bytes: Uint8Array): Promise<Pushed>
  /** The manifest, and its entry in the list. */
  deleteReferrer(subject: Digest, referrer: Digest): Promise<void>
}

/** How registries without the list say so: those that route by patterns of paths have many ways. */
const absent: readonly number[] = [400, 404, 405, 406, 501]
const mostReferrers = 20_000
const mostRounds = 20
const shortestSettlingMs = 50
const longestSettlingMs = 3000

export function referrerOperations(
  name: RepositoryName,
  transport: Transport,
  manifests: ManifestOperations,
  { delay }: Patience,
  signal: AbortSignal | undefined,
): ReferrerOperations {
  const pull: Access = { name, actions: ['pull'] }
  const push: Access = { name, actions: ['pull', 'push'] }
  const whatOf = (subject: Digest): string => `the referrers of ${repositoryText(name)}@${subject}`
  let hasApi: boolean | undefined

  /** Undefined where the registry has no such list. */
  const listByApi = async (
    subject: Digest,
    access: Access,
    artifactType?: string,
  ): Promise<Descriptor[] | undefined> => {
    if (hasApi === false) return undefined
    const filter = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`
    const call = {
      path: `/v2/${name.repository}/referrers/${subject}${filter}`,
      access,
      headers: { accept: mediaTypes.ociIndex },
      expects: [200, ...absent],
      what: whatOf(subject),
    }
    const found: Descriptor[] = []
    for await (const { answer, bytes } of readPages(transport, call, mostManifestBytes)) {
      if (answer.status !== 200) await answer.discard()
      // Some answer with a page for people, and 200.
      if (answer.status !== 200 || baseType(answer.header('content-type')) !== mediaTypes.ociIndex) {
        hasApi = false
        return undefined
      }
      found.push(...parseReferrers(bytes))
      if (found.length > mostReferrers)
        throw new OciError('too_large', `there are more than ${mostReferrers} of ${whatOf(subject)}`)
    }
    hasApi = true
    return found
  }

  const readTag = async (
    subject: Digest,
    access: Access,
  ): Promise<{ readonly index: ImageIndex; readonly etag: string | undefined } | undefined> => {
    const tag = referrersTag(subject)
    const what = `the list of referrers ${repositoryText(name)}:${tag}`
    const answer = await transport.call({
      method: 'GET',
      path: `/v2/${name.repository}/manifests/${tag}`,
      access,
      headers: { accept: mediaTypes.ociIndex },
      expects: [200, 404],
      what,
    })
    if (answer.status === 404) {
      await answer.discard()
      return undefined
    }
    const document = parseDocument(
      await readWhole(answer, mostManifestBytes, what),
      answer.header('content-type'),
    )
    if (document.kind !== 'index')
      throw new OciError(
        'bad_document',
        `${what} is an image and no list: somebody uses the tag for something else; delete it or move it away`,
      )
    return { index: document, etag: answer.header('etag') }
  }

  /**
   * Until `isDone` holds of what the registry has when all who may have read before our writing have written.
   */
  const changeTag = async (
    subject: Digest,
    isDone: (entries: readonly Descriptor[]) => boolean,
    change: (entries: readonly Descriptor[]) => readonly Descriptor[],
  ): Promise<void> => {
    let slowestMs = 0
    for (let round = 0; round < mostRounds; round++) {
      const start = performance.now()
      const found = await readTag(subject, push)
      const entries = found?.index.manifests ?? []
      if (isDone(entries)) return
      const sorted = change(entries).toSorted((one, other) => (one.digest < other.digest ? -1 : 1))
      await writeTag(subject, encodeIndex(sorted, found?.index.annotations), found?.etag)
      slowestMs = Math.max(slowestMs, performance.now() - start)
      const settlingMs = Math.min(Math.max(slowestMs * 3, shortestSettlingMs), longestSettlingMs)
      // Two writers that undo each other's work part ways.
      await delay(settlingMs * (1 + Math.random()), signal)
    }
    throw new OciError(
      'conflict',
      `${whatOf(subject)}: others write the list ${referrersTag(subject)} at the same time, again and again; try again later`,
    )
  }

  /** Where a registry looks at If-Match, 412 means that somebody was between: the next round sees it. */
  const writeTag = async (subject: Digest, bytes: Uint8Array, etag: string | undefined): Promise<void> => {
    const tag = referrersTag(subject)
    if (bytes.length > mostManifestBytes)
      throw new OciError('too_large', `${whatOf(subject)} are more than one list holds; delete some of them`)
    const answer = await transport.call({
      method: 'PUT',
      path: `/v2/${name.repository}/manifests/${tag}`,
      access: push,
      headers: { 'content-type': mediaTypes.ociIndex, ...(etag !== undefined && { 'if-match': etag }) },
      body: () => bytes,
      expects: [200, 201, 202, 412],
      what: `the list of referrers ${repositoryText(name)}:${tag}`,
    })
    await answer.discard()
  }

  const turns = new Map<Digest, Promise<unknown>>()
  const inTurn = async <T>(subject: Digest, step: () => Promise<T>): Promise<T> => {
    const before = turns.get(subject) ?? Promise.resolve()
    const own = before.then(step, step)
    turns.set(subject, own)
    try {
      return await own
    } finally {
      if (turns.get(subject) === own) turns.delete(subject)
    }
  }

  return {
    async listReferrers(subject, artifactType) {
      const found =
        (await listByApi(subject, pull, artifactType)) ??
        (await readTag(subject, pull))?.index.manifests ??
        []
      // A registry need not filter, and a tag never does.
      return artifactType === undefined ? found : found.filter((each) => each.artifactType === artifactType)
    },

    hasReferrersApi: async (subject) => (await listByApi(subject, pull)) !== undefined,

    async askReferrersApi(subject) {
      const answer = await transport.call({
        method: 'GET',
        path: `/v2/${name.repository}/referrers/${subject}`,
        access: pull,
        headers: { accept: mediaTypes.ociIndex },
        expects: [200, ...absent],
        what: whatOf(subject),
      })
      await answer.discard()
      return { status: answer.status, contentType: answer.header('content-type') }
    },

    async pushReferrer(bytes) {
      const entry = entryOf(bytes)
      const pushed = await manifests.pushManifest(bytes, entry.descriptor.mediaType)
      // Some registries say in a header that they list it and do not, so the list is asked for.
      if ((await listByApi(entry.subject, push)) !== undefined) return pushed
      const isDone = (entries: readonly Descriptor[]): boolean =>
        entries.some(({ digest }) => digest === pushed.digest)
      await inTurn(entry.subject, () =>
        changeTag(entry.subject, isDone, (entries) => [...entries, entry.descriptor]),
      )
      return pushed
    },

    async deleteReferrer(subject, referrer) {
      await manifests.deleteManifest(referrer)
      if ((await listByApi(subject, push)) !== undefined) return
      const isOther = ({ digest }: Descriptor): boolean => digest !== referrer
      await inTurn(subject, () =>
        changeTag(
          subject,
          (entries) => entries.every(isOther),
          (entries) => entries.filter(isOther),
        ),
      )
    },
  }
}

/** What a list says of a referrer. Throws {@link OciError} `bad_document`. */
export function entryOf(bytes: Uint8Array): { readonly subject: Digest; readonly descriptor: Descriptor } {
  const document = parseDocument(bytes)
  if (document.subject === undefined)
    throw new OciError('bad_document', 'a referrer must have a subject, and this manifest has none')
  const { mediaType, annotations } = document
  const artifactType =
    document.artifactType || (document.kind === 'manifest' ? document.config.mediaType : undefined)
  return {
    subject: document.subject.digest,
    descriptor: {
      mediaType,
      size: bytes.length,
      digest: digestOf(bytes),
      ...(artifactType !== undefined && { artifactType }),
      annotations,
    },
  }
}
