import {
  type PackedImage,
  parseRepository,
  type RepositoryName,
  repositoryText,
  unpackImage,
} from '@sigstack/oci'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { attachmentsOf } from '../../images/image.ts'
import { tellSteps } from '../../images/progress.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import type { Io } from '../../io.ts'
import { withPack } from '../../packs/pack-file.ts'

type Options = RegistryOptions & { readonly json?: boolean }

export function addPackPush(pack: Command, io: Io): void {
  const command = pack
    .command('push')
    .summary('put the images of a file into a registry')
    .description(
      'Puts the images of the file, under their tags and with all that is attached to them, into a registry. Where the file holds images of several repositories, REPOSITORY is what theirs are put below. Nothing is verified: pack verify does that.',
    )
    .argument('<file>', 'what pack has written')
    .argument('<repository>', 'where they go')
    .option('--json', 'tell the result as JSON on standard output')
  addRegistryOptions(command).action((file: string, repository: string, options: Options) =>
    packPush(io, file, repository, options),
  )
}

async function packPush(io: Io, file: string, given: string, options: Options): Promise<void> {
  const registries = await openRegistries(io, options)
  const place = parseRepository(given)
  await withPack(file, async (archive, images) => {
    const places = placesOf(images, place)
    const progress = tellSteps(io)
    const pushed: object[] = []
    for (const [at, packed] of images.entries()) {
      const { tag } = packed.reference
      const name = places[at] ?? place
      const to = registries.client.repository(name)
      const as = `${repositoryText(name)}${tag === undefined ? `@${packed.entry.digest}` : `:${tag}`}`
      io.err(`Pushing ${as}...\n`)
      await unpackImage(archive, packed, to, tag, {
        attachedTo: attachmentsOf(registries, to),
        tagPrefix: registries.tagPrefix,
        onStep: progress.onStep,
      })
      pushed.push({ image: as, digest: packed.entry.digest })
    }
    if (options.json === true) io.out(`${JSON.stringify({ images: pushed, ...progress.counted() })}\n`)
  })
}

/** Of each image the repository it goes to. */
function placesOf(images: readonly PackedImage[], place: RepositoryName): readonly RepositoryName[] {
  const isOne = new Set(images.map(({ reference }) => repositoryText(reference))).size === 1
  const places = images.map(({ reference }) =>
    isOne ? place : { ...place, repository: `${place.repository}/${reference.repository}` },
  )
  const tags = images.map(({ reference, entry }, at) => {
    const { tag } = reference
    return tag === undefined ? entry.digest : `${places[at]?.repository}:${tag}`
  })
  const twice = tags.find((tag, at) => images[tags.indexOf(tag)]?.entry.digest !== images[at]?.entry.digest)
  if (twice === undefined) return places
  throw new CliError('bad_usage', `two images of the file would both become ${twice}`, {
    advice: 'Pack them apart.',
  })
}
