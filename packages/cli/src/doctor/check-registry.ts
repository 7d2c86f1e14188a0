/** What a registry lets us do, tried: read, write, attach, list and delete. */
import { randomUUID } from 'node:crypto'
import { escaped, quoted, reasonOf, utf8 } from '@sigstack/crypto'
import {
  ambientCredentials,
  type Descriptor,
  type Digest,
  digestOf,
  emptyConfig,
  encodeManifest,
  isNotFound,
  mediaTypes,
  OciError,
  parseReference,
  type Reference,
  type Repository,
  referrersTag,
  repositoryText,
} from '@sigstack/oci'
import { orNothing } from '../images/image.ts'
import type { Registries } from '../images/registry-options.ts'
import type { Io } from '../io.ts'
import { type Finding, failed, failedBy, ok, skipped, warning } from './finding.ts'

const artifactType = 'application/vnd.sigstack.doctor'

export async function checkRegistry(
  io: Io,
  registries: Registries,
  given: string,
  mayPush: boolean,
): Promise<readonly Finding[]> {
  const reference = parseReference(given)
  const repository = registries.client.repository(reference)
  const findings: Finding[] = [await checkCredentials(io, reference)]
  const [pulled, subject] = await checkPull(repository, reference, namesImage(given))
  findings.push(pulled)
  if (pulled.status === 'failed') return findings
  if (!mayPush) {
    findings.push(skipped('registry', 'pushing, attaching and deleting were not tried'))
    return subject === undefined ? findings : [...findings, await checkList(repository, subject)]
  }
  return [...findings, ...(await checkPush(repository))]
}

function namesImage(given: string): boolean {
  return given.includes('@') || given.lastIndexOf(':') > given.lastIndexOf('/')
}

async function checkCredentials(io: Io, name: Reference): Promise<Finding> {
  try {
    const found = await ambientCredentials(io.environment)(name)
    if (found !== undefined) return ok('registry', `credentials for ${name.registry} are known`)
    return ok('registry', `no credentials for ${name.registry} are known, so it is asked as anybody`)
  } catch (error) {
    return failedBy('registry', 'the credentials', error, 'Log in again, or mend the docker config.')
  }
}

async function checkPull(
  repository: Repository,
  { tag, digest }: Reference,
  isImage: boolean,
): Promise<readonly [Finding, Digest | undefined]> {
  const place = repositoryText(repository.name)
  try {
    if (isImage) {
      const file = await repository.readManifest(digest ?? tag ?? 'latest')
      return [ok('registry', `pull: ${place} gives ${file.digest}, ${file.mediaType}`), file.digest]
    }
    for await (const _ of repository.listTags()) break
    return [ok('registry', `pull: ${place} lists its tags`), undefined]
  } catch (error) {
    if (isNotFound(error) && !isImage) return [ok('registry', `pull: there is no ${place} yet`), undefined]
    if (error instanceof OciError && error.code === 'unreachable' && /TLS|SSL|EPROTO/.test(error.message))
      return [
        failedBy('registry', 'pull', error, '--allow-http-registry takes a registry without TLS.'),
        undefined,
      ]
    return [failedBy('registry', 'pull', error), undefined]
  }
}

/** Something small of our own is written, something is attached to it, and all of it is deleted again. */
async function checkPush(repository: Repository): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  let subject: Descriptor | undefined
  try {
    subject = await pushSomething(repository)
    findings.push(ok('registry', `push: ${repositoryText(repository.name)} took a small artifact`))
    await repository.readManifest(subject.digest)
  } catch (error) {
    const what = subject === undefined ? 'push' : 'what was pushed, read again'
    const advice = 'Signing needs the right to push to the repository, or another one in COSIGN_REPOSITORY.'
    return [...findings, failedBy('registry', what, error, advice)]
  }
  let referrer: Digest | undefined
  try {
    const manifest = await manifestOf(repository, subject)
    referrer = (await repository.pushReferrer(manifest)).digest
    const listed = await repository.listReferrers(subject.digest)
    const isListed = listed.some(({ digest }) => digest === referrer)
    findings.push(
      isListed
        ? ok('registry', 'attach: what was attached is listed')
        : failed(
            'registry',
            'attach: what was attached is not listed',
            'Signatures would not be found here; --format legacy stores them in tags.',
          ),
    )
    findings.push(await checkList(repository, subject.digest))
  } catch (error) {
    findings.push(
      failedBy(
        'registry',
        'attach',
        error,
        'A rule of the registry may keep tags from being written again (immutable tags).',
      ),
    )
  }
  findings.push(await checkDelete(repository, subject.digest, referrer))
  return findings
}

async function pushSomething(repository: Repository): Promise<Descriptor> {
  const bytes = await manifestOf(repository, undefined)
  const { digest } = await repository.pushManifest(bytes, mediaTypes.ociManifest)
  return { mediaType: mediaTypes.ociManifest, digest, size: bytes.length }
}

async function manifestOf(repository: Repository, subject: Descriptor | undefined): Promise<Uint8Array> {
  const content = utf8(`sigstack doctor ${randomUUID()}\n`)
  const layer = { mediaType: 'text/plain', size: content.length, digest: digestOf(content) }
  const config = { mediaType: mediaTypes.empty, size: emptyConfig.size, digest: digestOf(emptyConfig.bytes) }
  await repository.pushBlob(layer, () => content)
  await repository.pushBlob(config, () => emptyConfig.bytes)
  return encodeManifest({ config, layers: [layer], artifactType, ...(subject && { subject }) })
}

/** Readers look at the content type first: with another one the list is none. */
async function checkList(repository: Repository, subject: Digest): Promise<Finding> {
  try {
    const { status, contentType } = await repository.askReferrersApi(subject)
    const tag = referrersTag(subject)
    if (status !== 200)
      return ok(
        'registry',
        `referrers: the registry has no list of its own (${status}); they are kept under tags like ${tag}`,
      )
    if (contentType === mediaTypes.ociIndex)
      return ok('registry', 'referrers: the registry lists them itself')
    return warning(
      'registry',
      `referrers: the list has the content type ${quoted(contentType ?? 'none', 100)}, not ${mediaTypes.ociIndex}`,
      'Tools pass over such a list and look under tags; something between here and the registry may have changed it.',
    )
  } catch (error) {
    return failedBy('registry', 'referrers', error)
  }
}

async function checkDelete(
  repository: Repository,
  subject: Digest,
  referrer: Digest | undefined,
): Promise<Finding> {
  const left = `${repositoryText(repository.name)}@${subject}`
  try {
    if (referrer !== undefined) await repository.deleteManifest(referrer)
    // The list of a registry that has none of its own is a manifest under a tag.
    const tag = referrersTag(subject)
    const list = await orNothing(repository.resolve(tag))
    if (list !== undefined) {
      await repository.deleteTag(tag)
      await orNothing(repository.deleteManifest(list.digest))
    }
    await repository.deleteManifest(subject)
    return ok('registry', 'delete: what was pushed is gone again')
  } catch (error) {
    return warning(
      'registry',
      `delete: ${escaped(reasonOf(error), 300)}`,
      `clean will not work here, and what was pushed stays: ${left}.`,
    )
  }
}
