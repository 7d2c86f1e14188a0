/** cosign and our tool, each in a folder with the same files and on repositories of its own in one registry, over one stack. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createRegistryClient, type Digest, digestOf, encodeManifest, mediaTypes } from '@sigstack/oci'
import type { Endpoints } from '@sigstack/stack'
import { startEgressGuard } from '../../support/egress-guard.ts'
import { InteropError } from '../../support/interop-error.ts'
import { registryKinds } from '../../support/registries.ts'
import { runToEnd } from '../../support/run-command.ts'
import { startStackProcess, trialToken } from '../../support/stack-process.ts'
import type { Workshop } from '../../support/workshop.ts'
import type { Line } from './lines.ts'

export type Ended = { readonly status: number; readonly stdout: string; readonly stderr: string }

export type Side = {
  readonly folder: string
  /** Host and first part of its repositories. */
  readonly repository: string
  run(line: Line): Promise<Ended>
}

export type Sides = {
  readonly ours: Side
  readonly upstream: Side
  /** What both have under the same name. */
  readonly images: readonly Digest[]
  stop(): Promise<void>
}

const identity = 'differential@example.org'
const blob = 'what is signed\n'
const predicateType = 'https://example.org/predicate/v1'
const repositories = ['app', 'annotated', 'keyed', 'legacy', 'two', 'plain', 'attested', 'scripted'] as const

export async function startSides(options: {
  readonly workshop: Workshop
  readonly folder: string
  readonly cosign: string
}): Promise<Sides> {
  await using starting = new AsyncDisposableStack()
  const [kind] = registryKinds
  if (kind === undefined) throw new InteropError('missing', 'there is no registry')
  const registry = await kind.start(options.workshop, path.join(options.folder, 'registry'))
  starting.defer(() => registry.stop())
  const guard = await startEgressGuard()
  starting.defer(() => guard.stop())
  const stack = await startStackProcess({ dataDirectory: path.join(options.folder, 'stack') })
  starting.defer(async () => void (await stack.stop()))

  const { endpoints } = stack
  const tool = new URL('../../../packages/cli/src/main.ts', import.meta.url).pathname
  const open = async (name: string, command: readonly string[]): Promise<readonly [Side, Images]> => {
    const folder = path.join(options.folder, name)
    const repository = `${registry.host}/${name}`
    const images = await pushImages(registry.host, name)
    await writeFiles(folder, `${repository}/legacy@${images.image}`)
    const environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      LANG: 'C.UTF-8',
      COLUMNS: '1000',
      COSIGN_PASSWORD: '',
      ...guard.environment,
    }
    const values = { ...valuesOf(endpoints), repo: repository, ...images }
    const run = async ({ words, environment: more, input }: Line): Promise<Ended> => {
      const [program = '', ...first] = command
      const token = words.includes('{token}') ? await trialToken(endpoints, identity) : ''
      const args = words.split(' ').map((word) => filledIn(word, { ...values, token }))
      return runToEnd(program, [...first, ...args.filter((word) => word !== '')], {
        folder,
        environment: { ...environment, ...more },
        timeoutMs: 120_000,
        ...(input !== undefined && { input }),
      })
    }
    return [{ folder, repository, run }, images]
  }
  const [ours, images] = await open('ours', [process.execPath, tool])
  const [upstream] = await open('cosign', [options.cosign])
  const running = starting.move()
  return { ours, upstream, images: Object.values(images), stop: () => running.disposeAsync() }
}

function filledIn(word: string, values: Readonly<Record<string, string>>): string {
  return word.replaceAll(/\{([a-z-]+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`no side has {${name}}`)
    return value
  })
}

function valuesOf({ files, issuer, services, trust }: Endpoints): Readonly<Record<string, string>> {
  const hash = createHash('sha256').update(blob).digest('hex')
  return {
    root: files['trustedRoot'] ?? '',
    config: files['signingConfig'] ?? '',
    chain: files['caCertificates'] ?? '',
    fulcio: services.ca ?? '',
    rekor: services.rekor ?? '',
    mirror: trust.mirror,
    issuer,
    identity,
    type: predicateType,
    'hash-of-blob': hash,
    'digest-of-blob': `sha256:${hash}`,
  }
}

async function writeFiles(folder: string, image: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const digest = { sha256: createHash('sha256').update(blob).digest('hex') }
  const files: Readonly<Record<string, string>> = {
    blob,
    'other-blob': 'something else\n',
    'predicate.json': '{"builder":{"id":"https://example.org/builder"}}',
    'statement.json': JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'blob', digest }],
      predicateType,
      predicate: {},
    }),
    'sbom.json': '{"spdxVersion":"SPDX-2.3","name":"blob","packages":[]}',
    'policy.cue': 'predicate: builder: id: string\n',
    'policy.rego': 'package signature\n\nallow := true\n',
    'pod.yaml': `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: one\n      image: ${image}\n`,
    Dockerfile: `FROM ${image}\n`,
    'rsa.pem': privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  }
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content)
}

type Images = { readonly image: Digest; readonly index: Digest }

/** The same in each repository, under `v1`. */
async function pushImages(host: string, side: string): Promise<Images> {
  const client = createRegistryClient()
  const open = (name: string) => client.repository({ registry: host, repository: `${side}/${name}` })
  const pushOne = async (name: string) => {
    const repository = open(name)
    const blobOf = async (mediaType: string, text: string) => {
      const bytes = Buffer.from(text)
      const descriptor = { mediaType, size: bytes.length, digest: digestOf(bytes) }
      await repository.pushBlob(descriptor, () => bytes)
      return descriptor
    }
    const config = await blobOf(mediaTypes.ociConfig, '{"architecture":"amd64","os":"linux"}')
    const layer = await blobOf('application/vnd.oci.image.layer.v1.tar', 'a layer')
    const bytes = encodeManifest({ config, layers: [layer] })
    const { digest } = await repository.pushManifest(bytes, mediaTypes.ociManifest, 'v1')
    return { mediaType: mediaTypes.ociManifest, size: bytes.length, digest }
  }
  const image = await pushOne('multi')
  for (const name of repositories) await pushOne(name)
  const platform = { architecture: 'amd64', os: 'linux' }
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [{ ...image, platform }] }
  const pushed = await open('multi').pushManifest(
    Buffer.from(JSON.stringify(index)),
    mediaTypes.ociIndex,
    'v1',
  )
  return { image: image.digest, index: pushed.digest }
}
