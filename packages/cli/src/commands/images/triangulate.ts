import { repositoryText } from '@sigstack/oci'
import { type Command, Option } from 'commander'
import { findImage, placeOf, tagOf } from '../../images/image.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import type { Io } from '../../io.ts'

const kinds = { signature: 'sig', attestation: 'att', sbom: 'sbom' } as const
type Options = RegistryOptions & { readonly type: keyof typeof kinds | 'digest' }

export function addTriangulate(program: Command, io: Io): void {
  const command = program
    .command('triangulate')
    .summary('print the old tag of what is attached to an image')
    .description('Prints where old signatures, attestations or SBOMs of an image are, there or not.')
    .argument('<image>', 'an image in a registry')
    .addOption(
      new Option('--type <type>', 'of what').choices([...Object.keys(kinds), 'digest']).default('signature'),
    )
  addRegistryOptions(command).action((image: string, options: Options) => triangulate(io, image, options))
}

export async function triangulate(io: Io, given: string, options: Options): Promise<void> {
  const image = await findImage(await openRegistries(io, options), given)
  const place =
    options.type === 'digest'
      ? `${repositoryText(image.reference)}@${image.digest}`
      : placeOf(image, tagOf(image, kinds[options.type]))
  io.out(`${place}\n`)
}
