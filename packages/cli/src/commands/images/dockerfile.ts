import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { readTextInput } from '../../files.ts'
import { imagesOfDockerfile } from '../../images/dockerfile.ts'
import type { Io } from '../../io.ts'
import { addVerifyOptions, type VerifyImagesOptions, verifyImages } from './verify.ts'

type Options = VerifyImagesOptions & { readonly baseImageOnly?: boolean }

export function addDockerfile(program: Command, io: Io): void {
  const dockerfile = program
    .command('dockerfile')
    .summary('verify the images that a Dockerfile builds upon')
    .description('Verifies the images that a Dockerfile builds upon.')
  addVerifyOptions(
    dockerfile
      .command('verify')
      .summary('verify signatures of all images of a Dockerfile')
      .description(
        'Verifies each image that a Dockerfile builds upon or copies from, as verify does. Variables that it does not set are those of the environment. Ends with the statuses of verify.',
      )
      .argument('<file>', 'the Dockerfile')
      .option('--base-image-only', 'only the image that the last stage is built upon'),
    (file: string, options: Options) => verifyDockerfile(io, file, options),
  )
}

export async function verifyDockerfile(io: Io, file: string, options: Options): Promise<void> {
  const { images, base, notes } = imagesOfDockerfile(
    await readTextInput(io, file, 'Dockerfile'),
    io.environment,
  )
  for (const note of notes) io.err(`${note}\n`)
  const wanted = options.baseImageOnly === true ? images.filter((each) => each === base).slice(0, 1) : images
  if (wanted.length === 0) throw new CliError('not_verified', 'no images found in Dockerfile')
  io.err(`Extracted image(s): ${wanted.join(', ')}\n`)
  await verifyImages(io, wanted, options)
}
