import path from 'node:path'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { readTextInput } from '../../files.ts'
import { imagesOfManifest } from '../../images/kubernetes-manifest.ts'
import type { Io } from '../../io.ts'
import { addVerifyOptions, type VerifyImagesOptions, verifyImages } from './verify.ts'

export function addManifest(program: Command, io: Io): void {
  const manifest = program
    .command('manifest')
    .summary('verify the images of resources of Kubernetes')
    .description('Verifies the images that resources of Kubernetes run.')
  addVerifyOptions(
    manifest
      .command('verify')
      .summary('verify signatures of all images of a manifest')
      .description(
        'Verifies each image that the pods of a manifest run or mount, as verify does. Ends with its statuses.',
      )
      .argument('<file>', 'YAML of one or more resources'),
    (file: string, options) => verifyManifest(io, file, options),
  )
}

export async function verifyManifest(io: Io, file: string, options: VerifyImagesOptions): Promise<void> {
  if (!['.yaml', '.yml'].includes(path.extname(file).toLowerCase()))
    throw new CliError('bad_usage', 'only [.yaml .yml] manifests are supported at this time')
  const images = imagesOfManifest(await readTextInput(io, file, 'manifest'))
  if (images.length === 0) throw new CliError('not_verified', 'no images found in manifest')
  io.err(`Extracted image(s): ${images.join(', ')}\n`)
  await verifyImages(io, images, options)
}
