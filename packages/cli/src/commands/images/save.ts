import { createLayout, saveImage } from '@sigstack/oci'
import { keepMemoryLittle } from '@sigstack/server/little-memory'
import type { Command } from 'commander'
import { makeOutputFolder } from '../../files.ts'
import { findImage } from '../../images/image.ts'
import { tellSteps } from '../../images/progress.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import type { Io } from '../../io.ts'

type Options = RegistryOptions & { readonly dir: string; readonly json?: boolean }

export function addSave(program: Command, io: Io): void {
  const command = program
    .command('save')
    .summary('save an image and what is attached to it in a folder')
    .description(
      'Saves an image or index with its old tags and all its referrers in a folder, as an OCI layout that load and stock cosign read. Digests stay what they are.',
    )
    .argument('<image>', 'an image in a registry')
    .requiredOption('--dir <folder>', 'the folder; what it held before is no longer listed')
    .option('--json', 'tell the result as JSON on standard output')
  addRegistryOptions(command).action((image: string, options: Options) => save(io, image, options))
}

export async function save(io: Io, given: string, options: Options): Promise<void> {
  const image = await findImage(await openRegistries(io, options), given)
  const progress = tellSteps(io)
  keepMemoryLittle()
  await makeOutputFolder(options.dir)
  io.err(`Saving ${given} to ${options.dir}...\n`)
  await saveImage(image.repository, await createLayout(options.dir), image.digest, {
    attachedFrom: image.attachments,
    tagPrefix: image.tagPrefix,
    onStep: progress.onStep,
  })
  if (options.json === true)
    io.out(
      `${JSON.stringify({ image: given, digest: image.digest, folder: options.dir, ...progress.counted() })}\n`,
    )
}
