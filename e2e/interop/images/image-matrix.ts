/**
 * Images (`npm run interop -- --images`): each tool signs in each form in registries with and without a list of
 * referrers, and each verifies what all of them signed, and refuses what it must.
 */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { reasonOf } from '@sigstack/crypto'
import { createRegistryClient, type Digest, mediaTypes, type Repository } from '@sigstack/oci'
import { InteropError } from '../../support/interop-error.ts'
import { registryKinds } from '../../support/registries.ts'
import type { Workshop } from '../../support/workshop.ts'
import type { MatrixOptions } from '../matrix.ts'
import {
  cosignThree,
  cosignTwo,
  type ImageForm,
  type ImageJob,
  type Installed,
  imageForms,
  sigstackImages,
} from './image-tools.ts'
import { tryKept } from './kept-images.ts'
import { copySignature, isAccepted, pushImage } from './pushed-images.ts'

type Options = Pick<
  MatrixOptions,
  'endpoints' | 'trust' | 'identity' | 'folder' | 'runIn' | 'token' | 'onProgress'
> & { readonly workshop: Workshop; readonly only: readonly string[] | undefined }

/** Tells what was tried, a line each; true when nothing failed. */
export async function runImages(options: Options, say: (line: string) => void): Promise<boolean> {
  const tools = await installTools(options)
  let isGood = true
  for (const [at, kind] of registryKinds.entries()) {
    const folder = path.join(options.folder, `images-${at}`)
    const registry = await kind.start(options.workshop, folder).catch((error: unknown) => {
      if (!(error instanceof InteropError && error.code === 'missing')) throw error
      return error
    })
    if (registry instanceof InteropError) {
      say(`missing ${kind.name}: ${registry.message}`)
      continue
    }
    try {
      const client = createRegistryClient()
      for (const signer of tools)
        for (const form of imageForms) {
          const name = `${signer.tool.name}-${form}`
          const repository = client.repository({ registry: registry.host, repository: name })
          const failures = await tryOne(signer, tools, form, repository, {
            ...options,
            checksBlobs: kind.checksBlobs,
          })
          isGood &&= failures.length === 0
          say(
            `${failures.length === 0 ? 'ok     ' : 'FAILED '} ${kind.name}: ${signer.tool.name} signs, ${form}`,
          )
          for (const failure of failures) say(`          ${failure}`)
        }
    } finally {
      await registry.stop()
    }
  }
  return isGood
}

async function installTools(options: Options): Promise<readonly Installed[]> {
  const { goInstall, versionOf } = options.workshop
  const cosign = (major: 2 | 3, pinned: string): Promise<string> =>
    goInstall({
      name: `cosign-v${major}`,
      module: `github.com/sigstore/cosign/v${major}/cmd/cosign`,
      version: versionOf(`cosign-v${major}`, pinned),
    })
  const tools = [cosignThree(await cosign(3, 'v3.1.3')), cosignTwo(await cosign(2, 'v2.6.5')), sigstackImages]
  const { endpoints, token } = options
  return Promise.all(
    tools
      .filter(({ name }) => options.only?.includes(name) ?? true)
      .map(async (tool) => {
        const home = path.join(options.folder, `images-${tool.name}`)
        await mkdir(home, { recursive: true })
        return { tool, session: { endpoints, token, folder: home, run: options.runIn(home) } }
      }),
  )
}

/** What went otherwise than it must. */
async function tryOne(
  { tool, session }: Installed,
  verifiers: readonly Installed[],
  form: ImageForm,
  repository: Repository,
  { trust, identity, onProgress, checksBlobs }: Options & { readonly checksBlobs: boolean },
): Promise<readonly string[]> {
  const job: ImageJob = { trust, identity }
  const failures: string[] = []
  const signed = await pushImage(repository, 'signed', 'v1')
  const at = (target: string): string => `${repository.name.registry}/${repository.name.repository}${target}`
  onProgress(`${tool.name} signs an image, ${form}`)
  try {
    await tool.sign(session, form, at(`@${signed}`), job)
  } catch (error) {
    return [`does not sign: ${reasonOf(error)}`]
  }
  const altered = await pushImage(repository, 'altered')
  const copied = await pushImage(repository, 'another')
  await copySignature(repository, form, signed, copied)
  const moved = await pushImage(repository, 'moved', 'v2')
  await repository.pushManifest((await repository.readManifest(signed)).bytes, mediaTypes.ociManifest, 'v2')
  for (const verifier of verifiers) {
    const verify = (target: string, other = job): Promise<void> =>
      verifier.tool.verify(verifier.session, form, at(target), other)
    const { name } = verifier.tool
    await verify('@' + signed).catch((error: unknown) =>
      failures.push(`${name} does not verify: ${reasonOf(error)}`),
    )
    const stranger = { ...job, identity: { ...identity, email: `not-${identity.email}` } }
    const refused: readonly (readonly [string, () => Promise<void>])[] = [
      ['another identity', () => verify(`@${signed}`, stranger)],
      ['an altered manifest', () => verify(`@${altered}`)],
      ['a signature copied from another image', () => verify(`@${copied}`)],
      ['a tag that moved', () => verifyMoved(repository, moved, () => verify(':v2'))],
    ]
    for (const [what, attempt] of refused)
      if (await isAccepted(attempt)) failures.push(`${name} accepts ${what}`)
  }
  failures.push(
    ...(await tryKept({ tool, session }, verifiers, form, repository, signed, { job, checksBlobs })),
  )
  return failures
}

/** The tag stood for the signed image, and now stands for another. */
async function verifyMoved(
  repository: Repository,
  moved: Digest,
  verify: () => Promise<void>,
): Promise<void> {
  await repository.pushManifest((await repository.readManifest(moved)).bytes, mediaTypes.ociManifest, 'v2')
  await verify()
}
