/**
 * Registries, and cosign beside our client: what cosign signs is listed and copied between all of them, saved
 * and loaded both ways, and still verified by cosign; writers at once lose nothing.
 */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import {
  copyImage,
  createLayout,
  createRegistryClient,
  type Descriptor,
  digestOf,
  emptyConfig,
  encodeManifest,
  loadImage,
  mediaTypes,
  openLayout,
  type Repository,
  saveImage,
} from '@sigstack/oci'
import type { RegistryProcess } from '@sigstack/oci/testing'
import { InteropError } from '../support/interop-error.ts'
import { type RegistryKind, registryKinds } from '../support/registries.ts'
import type { Run } from '../support/run-command.ts'
import type { Workshop } from '../support/workshop.ts'

type Options = {
  readonly workshop: Workshop
  readonly folder: string
  readonly runIn: (home: string) => Run
  readonly onProgress: (message: string) => void
}

type Started = RegistryKind & RegistryProcess

/** Tells what was tried, line by line; true when nothing failed. */
export async function runRegistryRounds(options: Options, say: (line: string) => void): Promise<boolean> {
  const { workshop, folder } = options
  const started: Started[] = []
  try {
    for (const [at, kind] of registryKinds.entries()) {
      try {
        options.onProgress(`starting ${kind.name}`)
        started.push({ ...kind, ...(await kind.start(workshop, path.join(folder, `registry-${at}`))) })
      } catch (error) {
        if (!(error instanceof InteropError && error.code === 'missing')) throw error
        say(`missing ${kind.name}: ${error.message}`)
      }
    }
    const cosign = await createCosign(options).catch((error: unknown) => {
      if (!(error instanceof InteropError && error.code === 'missing')) throw error
      say(`missing cosign: ${error.message}`)
    })
    if (cosign === undefined) return true
    let isGood = started.length > 0
    for (const registry of started) {
      for (const other of started) {
        const name = `${registry.name} to ${other.name}`
        options.onProgress(name)
        try {
          await round(
            registry,
            other,
            cosign,
            path.join(folder, `${started.indexOf(registry)}-${started.indexOf(other)}`),
          )
          say(`ok      ${name}`)
        } catch (error) {
          isGood = false
          say(`FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
    }
    return isGood
  } finally {
    for (const registry of started) await registry.stop()
  }
}

type Cosign = {
  sign(reference: string, isLegacy: boolean): Promise<void>
  verify(reference: string): Promise<void>
  save(reference: string, folder: string): Promise<void>
  load(folder: string, reference: string): Promise<void>
}

async function createCosign({ workshop, folder, runIn }: Options): Promise<Cosign> {
  const module = 'github.com/sigstore/cosign/v3/cmd/cosign'
  const name = 'cosign-v3'
  const program = await workshop.goInstall({ name, module, version: workshop.versionOf(name, 'v3.1.3') })
  const home = path.join(folder, 'cosign')
  await mkdir(home, { recursive: true })
  const runThere = runIn(home)
  const run = async (...args: readonly string[]): Promise<void> => {
    await runThere(program, args, { environment: { COSIGN_PASSWORD: '', COSIGN_YES: 'true' } })
  }
  await run('generate-key-pair')
  return {
    sign: (reference, isLegacy) => {
      const form = isLegacy ? ['--new-bundle-format=false'] : []
      const offline = ['--tlog-upload=false', '--use-signing-config=false']
      return run('sign', '--key', 'cosign.key', ...offline, ...form, reference)
    },
    // In both forms: neither stands in for the other.
    async verify(reference) {
      const common = ['verify', '--key', 'cosign.pub', '--insecure-ignore-tlog=true']
      await run(...common, reference)
      await run(...common, '--new-bundle-format=false', reference)
    },
    save: (reference, to) => run('save', '--dir', to, reference),
    load: (from, reference) => run('load', '--dir', from, reference),
  }
}

async function round(one: Started, other: Started, cosign: Cosign, folder: string): Promise<void> {
  const client = createRegistryClient()
  const name = `round${path.basename(folder)}`
  const open = (host: string, repository: string): Repository =>
    client.repository({ registry: host, repository: `${name}/${repository}` })
  const from = open(one.host, 'app')
  const image = await pushImage(from, name)
  expect((await from.resolve('v1')).digest === image.digest, 'the tag stands for what was pushed')
  const signed = `${one.host}/${name}/app@${image.digest}`
  await cosign.sign(signed, false)
  await cosign.sign(signed, true)
  expect((await from.hasReferrersApi(image.digest)) === one.hasReferrersApi, 'the list is where it should be')
  const attached = await digestsOf(from, image)
  expect(attached.length === 1, `cosign's bundle is listed, not ${attached.length}`)

  const words = ['1', '2', '3', '4']
  // A client each, as in programs of their own.
  await Promise.all(
    words.map(async (word) => {
      const writer = createRegistryClient().repository(from.name)
      await writer.pushReferrer(await note(writer, image, word))
    }),
  )
  const all = await digestsOf(createRegistryClient().repository(from.name), image)
  expect(all.length === 5, `writers at once lose nothing: ${all.length} of 5 are listed`)

  const copied = open(other.host, 'copied')
  await copyImage(from, copied, image.digest, 'v1')
  await cosign.verify(`${other.host}/${name}/copied:v1`)
  expect(same(await digestsOf(copied, image), all), 'all that is attached was copied')

  const ours = path.join(folder, 'ours')
  await saveImage(from, await createLayout(ours), 'v1')
  // cosign 3.1 sends the manifest of a bundle before the bundle, so it loads into those that do not look.
  if (!other.checksBlobs) {
    await cosign.load(ours, `${other.host}/${name}/loaded:v1`)
    await cosign.verify(`${other.host}/${name}/loaded:v1`)
    const { digest } = await open(other.host, 'loaded').resolve('v1')
    expect(digest === image.digest, 'cosign loads the same digest')
  }
  await loadImage(await openLayout(ours), open(other.host, 'reloaded'), 'v1')
  await cosign.verify(`${other.host}/${name}/reloaded:v1`)

  const theirs = path.join(folder, 'theirs')
  await cosign.save(signed, theirs)
  await loadImage(await openLayout(theirs), open(other.host, 'back'), 'v1')
  await cosign.verify(`${other.host}/${name}/back:v1`)
  const back = await digestsOf(open(other.host, 'back'), image)
  expect(
    attached.every((digest) => back.includes(digest)),
    'what cosign saved has its digests',
  )

  const tags: string[] = []
  for await (const tag of from.listTags()) tags.push(tag)
  expect(tags.includes('v1') && tags.some((tag) => tag.endsWith('.sig')), 'tags are listed')
  await from.deleteReferrer(image.digest, all[0] ?? digestOf(emptyConfig.bytes))
  expect((await digestsOf(from, image)).length === 4, 'a deleted referrer is listed no more')
  expect(await from.deleteTag('v1'), 'the tag is deleted')
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new InteropError('failed', `it does not hold that ${what}`)
}

async function pushBytes(repository: Repository, bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const descriptor = { mediaType, size: bytes.length, digest: digestOf(bytes) }
  await repository.pushBlob(descriptor, () => bytes)
  return descriptor
}

async function pushImage(repository: Repository, words: string): Promise<Descriptor> {
  const config = await pushBytes(repository, Buffer.from(JSON.stringify({ words })), mediaTypes.ociConfig)
  const layer = await pushBytes(repository, Buffer.from(words), 'application/vnd.oci.image.layer.v1.tar')
  const bytes = encodeManifest({ config, layers: [layer] })
  const { digest } = await repository.pushManifest(bytes, mediaTypes.ociManifest, 'v1')
  return { mediaType: mediaTypes.ociManifest, size: bytes.length, digest }
}

async function note(repository: Repository, subject: Descriptor, words: string): Promise<Uint8Array> {
  const config = await pushBytes(repository, emptyConfig.bytes, mediaTypes.empty)
  const layer = await pushBytes(repository, Buffer.from(words), 'text/plain')
  return encodeManifest({ config, layers: [layer], subject, artifactType: 'text/plain' })
}

async function digestsOf(
  repository: Repository,
  subject: Descriptor,
): Promise<readonly Descriptor['digest'][]> {
  return (await repository.listReferrers(subject.digest)).map(({ digest }) => digest)
}

function same(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each) => others.includes(each))
}
