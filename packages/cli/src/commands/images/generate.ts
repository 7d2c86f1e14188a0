import { repositoryText } from '@sigstack/oci'
import { simpleSigningPayload } from '@sigstack/signing'
import type { Command } from 'commander'
import { collectAnnotation } from '../../images/formats.ts'
import { findImage } from '../../images/image.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import type { Io } from '../../io.ts'

type Options = RegistryOptions & { readonly annotations?: Readonly<Record<string, string>> }

export function addGenerate(program: Command, io: Io): void {
  const command = program
    .command('generate')
    .summary('print what an old signature of an image is over')
    .description(
      'Prints the payload of an old signature, to be signed by other programs: `sigstack attach signature` then stores what they made, and `sigstack sign --payload` signs it here.',
    )
    .argument('<image>', 'the image, in a registry')
    .option('-a, --annotations <name=value>', 'sign this too; may be repeated', collectAnnotation)
  addRegistryOptions(command).action((image: string, options: Options) => generate(io, image, options))
}

async function generate(io: Io, given: string, options: Options): Promise<void> {
  const { digest, reference } = await findImage(await openRegistries(io, options), given)
  const { annotations } = options
  io.file(simpleSigningPayload({ reference: repositoryText(reference), digest, annotations }))
}
