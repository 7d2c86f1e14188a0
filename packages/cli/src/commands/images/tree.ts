import { type Descriptor, type ManifestFile, repositoryText } from '@sigstack/oci'
import type { Command } from 'commander'
import { findImage, type Image, orNothing, placeOf, tagOf } from '../../images/image.ts'
import { orRefusal } from '../../images/read-ahead.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import { predicateTypeOf } from '../../images/stored-bundles.ts'
import type { Io } from '../../io.ts'

type Options = RegistryOptions & { readonly json?: boolean }

/** What is attached in one place, by the digests of its layers. */
type Branch = {
  readonly icon: string
  readonly title: string
  readonly place: string
  readonly layers: readonly string[]
}

export function addTree(program: Command, io: Io): void {
  const command = program
    .command('tree')
    .summary('list what is attached to an image')
    .description('Lists old tags and all referrers of an image. Nothing is verified.')
    .argument('<image>', 'an image in a registry')
    .option('--json', 'tell the result as JSON on standard output')
  addRegistryOptions(command).action((image: string, options: Options) => printTree(io, image, options))
}

export async function printTree(io: Io, given: string, options: Options): Promise<void> {
  const image = await findImage(await openRegistries(io, options), given)
  const branches = [...(await tagsOf(io, image)), ...(await referrersOf(io, image))]
  if (options.json === true) {
    const attached = branches.map(({ title, place, layers }) => ({ title, place, layers }))
    io.out(`${JSON.stringify({ image: given, digest: image.digest, attached })}\n`)
    return
  }
  io.out(`📦 Supply Chain Security Related artifacts for an image: ${given}\n`)
  if (branches.length === 0)
    io.out(
      `No Supply Chain Security Related Artifacts found for image ${given},\n start creating one with simply running$ sigstack sign <img>\n`,
    )
  for (const { icon, title, place, layers } of branches) {
    io.out(`└── ${icon} ${title}: ${place}\n`)
    for (const [at, layer] of layers.entries())
      io.out(`   ${at === layers.length - 1 ? '└──' : '├──'} 🍒 ${layer}\n`)
  }
}

const tagged = [
  ['sig', '🔐', 'Signatures for an image tag'],
  ['att', '💾', 'Attestations for an image tag'],
  ['sbom', '📦', 'SBOMs for an image tag'],
] as const

async function tagsOf(io: Io, image: Image): Promise<readonly Branch[]> {
  const branches: Branch[] = []
  for (const [kind, icon, title] of tagged) {
    const tag = tagOf(image, kind)
    const place = placeOf(image, tag)
    const document = await documentAt(io, image, tag, place)
    if (document?.kind === 'manifest')
      branches.push({ icon, title, place, layers: digestsOf(document.layers) })
  }
  return branches
}

async function referrersOf(io: Io, image: Image): Promise<readonly Branch[]> {
  const branches: Branch[] = []
  const { attachments } = image
  for (const { digest } of await attachments.listReferrers(image.digest)) {
    const place = `${repositoryText(attachments.name)}@${digest}`
    const document = await documentAt(io, image, digest, place)
    if (document === undefined) continue
    const type = predicateTypeOf(document) ?? document.artifactType ?? document.mediaType
    branches.push({
      icon: '🔗',
      title: `${type} artifacts via OCI referrer`,
      place,
      layers: document.kind === 'manifest' ? digestsOf(document.layers) : [],
    })
  }
  return branches
}

/** Undefined where there is none, and where it cannot be read, which is told of. */
async function documentAt(
  io: Io,
  { attachments }: Image,
  target: string,
  place: string,
): Promise<ManifestFile['document'] | undefined> {
  const found = await orRefusal(orNothing(attachments.readManifest(target)))
  if (found === undefined || !('refusal' in found)) return found?.document
  io.err(`WARNING: ${place}: ${found.refusal}\n`)
  return undefined
}

function digestsOf(layers: readonly Descriptor[]): readonly string[] {
  return layers.map(({ digest }) => digest)
}
