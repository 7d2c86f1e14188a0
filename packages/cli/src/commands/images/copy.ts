import { counted } from '@sigstack/crypto'
import { copyAttached, copyImage, parseReference, referenceText, walkManifests } from '@sigstack/oci'
import { keepMemoryLittle } from '@sigstack/server/little-memory'
import { type Command, Option } from 'commander'
import { collect } from '../../collect.ts'
import { CliError } from '../../errors.ts'
import { findImage, orNothing } from '../../images/image.ts'
import { imageForPlatform } from '../../images/platform.ts'
import { tellSteps } from '../../images/progress.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import { kindOfBundle } from '../../images/stored-bundles.ts'
import type { Io } from '../../io.ts'

const attached = ['sig', 'att', 'sbom'] as const
type Attached = (typeof attached)[number]

type Options = RegistryOptions & {
  readonly force?: boolean
  readonly only?: readonly string[]
  readonly platform?: string
  readonly sigOnly?: boolean
  readonly json?: boolean
}

export function addCopy(program: Command, io: Io): void {
  const command = program
    .command('copy')
    .summary('copy an image and what is attached to it')
    .description(
      'Copies an image or index with its old tags and all its referrers into another repository. Digests stay what they are. What is there already is not sent again, so a copy that was cut off goes on.',
    )
    .argument('<source>', 'an image in a registry')
    .argument('<target>', 'where it goes')
    .option('-f, --force', 'move a tag that means another image')
    .option('--only <kinds>', 'of what is attached only these: sig,att,sbom; and no image', collect)
    .option('--platform <platform>', 'of an index only this image, as in linux/amd64')
    .addOption(new Option('--sig-only').hideHelp())
    .option('--json', 'tell the result as JSON on standard output')
  addRegistryOptions(command).action((source: string, target: string, options: Options) =>
    copy(io, source, target, options),
  )
}

export async function copy(io: Io, source: string, target: string, options: Options): Promise<void> {
  const only = onlyOf(options)
  const registries = await openRegistries(io, options)
  const image = await imageForPlatform(await findImage(registries, source), options.platform)
  const place = parseReference(target)
  const to = registries.client.repository(place)
  if (place.digest !== undefined && place.digest !== image.digest)
    throw new CliError('bad_usage', `${source} is ${image.digest}, which cannot become ${target}`)
  const mayMove = place.tag === undefined || options.force === true || only !== undefined
  const there = mayMove ? undefined : await orNothing(to.resolve(place.tag))
  if (there !== undefined && there.digest !== image.digest)
    throw new CliError('bad_usage', `image ${referenceText(place)} already exists. Use \`-f\` to overwrite`)
  keepMemoryLittle()
  io.err(`Copying ${source} to ${target}...\n`)
  const progress = tellSteps(io)
  const { registry, repository } = image.reference
  const ways = {
    tagPrefix: image.tagPrefix,
    ...(registry === place.registry && { mountFrom: repository }),
    onStep: progress.onStep,
  }
  // As stock cosign: what COSIGN_REPOSITORY keeps elsewhere comes to stand beside the copy.
  const { attachments } = image
  const isApart = attachments !== image.repository
  if (only === undefined)
    await copyImage(image.repository, to, image.digest, place.tag, {
      ...ways,
      ...(isApart && { attachedFrom: attachments }),
    })
  else {
    const kinds: readonly (string | undefined)[] = only
    for await (const subject of walkManifests(image.repository, image.digest))
      await copyAttached(attachments, to, subject, {
        ...ways,
        ...(isApart && { mountFrom: undefined }),
        tags: only,
        referrers: ({ document }) => kinds.includes(kindOfBundle(document)),
      })
  }
  const { parts, sentBytes } = progress.counted()
  if (options.json === true)
    io.out(`${JSON.stringify({ source, target, digest: image.digest, steps: parts, sentBytes })}\n`)
  else
    io.err(
      `Copied ${image.digest}: ${counted(parts, 'part', 'parts')}, ${counted(sentBytes, 'byte', 'bytes')} of them sent\n`,
    )
}

function onlyOf({ only, sigOnly }: Options): readonly Attached[] | undefined {
  if (sigOnly === true) return ['sig']
  if (only === undefined) return undefined
  return only
    .flatMap((words) => words.split(','))
    .map((word) => {
      const found = attached.find((each) => each === word.trim())
      if (found === undefined)
        throw new CliError('bad_usage', `invalid value for --only: it is of ${attached.join(', ')}`)
      return found
    })
}
