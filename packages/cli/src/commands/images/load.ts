import { loadImage, openLayout, parseReference, savedImage } from '@sigstack/oci'
import { keepMemoryLittle } from '@sigstack/server/little-memory'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { attachmentsOf } from '../../images/image.ts'
import { tellSteps } from '../../images/progress.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import type { Io } from '../../io.ts'

type Options = RegistryOptions & { readonly dir: string; readonly json?: boolean }

export function addLoad(program: Command, io: Io): void {
  const command = program
    .command('load')
    .summary('put a saved image and what is attached to it into a registry')
    .description(
      'Puts the image of a folder that save or stock cosign has written into a registry, with all that is attached to it. The tag comes last.',
    )
    .argument('<image>', 'what it becomes in the registry')
    .requiredOption('--dir <folder>', 'the folder')
    .option('--json', 'tell the result as JSON on standard output')
  addRegistryOptions(command).action((image: string, options: Options) => load(io, image, options))
}

export async function load(io: Io, given: string, options: Options): Promise<void> {
  const registries = await openRegistries(io, options)
  const place = parseReference(given)
  const layout = await openLayout(options.dir)
  const image = await savedImage(layout)
  if (place.digest !== undefined && place.digest !== image.digest)
    throw new CliError('bad_usage', `${options.dir} holds ${image.digest}, which cannot become ${given}`)
  const to = registries.client.repository(place)
  const progress = tellSteps(io)
  keepMemoryLittle()
  io.err(`Loading ${options.dir} to ${given}...\n`)
  await loadImage(layout, to, place.tag, {
    attachedTo: attachmentsOf(registries, to),
    tagPrefix: registries.tagPrefix,
    onStep: progress.onStep,
  })
  if (options.json === true)
    io.out(
      `${JSON.stringify({ image: given, digest: image.digest, folder: options.dir, ...progress.counted() })}\n`,
    )
}
