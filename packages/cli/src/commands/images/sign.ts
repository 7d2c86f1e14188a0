import { repositoryText, walkManifests } from '@sigstack/oci'
import { type Command, Option } from 'commander'
import { collectList } from '../../collect.ts'
import { CliError } from '../../errors.ts'
import { demandOutputs, readInput, writeOutput } from '../../files.ts'
import { addFormatOptions, collectAnnotation, type FormatOptions, formatsOf } from '../../images/formats.ts'
import { findSigned, type Image } from '../../images/image.ts'
import { type Attachment, makeSignature, pushAttachment } from '../../images/make-signature.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import {
  addPartOptions,
  demandOnePlace,
  legacyBundlesOf,
  type PartOptions,
  placesOf,
  writeParts,
} from '../../images/signature-parts.ts'
import { warnOfTag } from '../../images/warn-of-tag.ts'
import type { Io } from '../../io.ts'
import { signerMembers, tellSigner } from '../../signing/finish-signature.ts'
import {
  addSigningOptions,
  ofLegacyForms,
  openSigning,
  type SigningOptions,
} from '../../signing/signing-options.ts'

type Options = SigningOptions &
  RegistryOptions &
  FormatOptions & {
    readonly annotations?: Readonly<Record<string, string>>
    readonly recursive?: boolean
    readonly upload?: boolean
    readonly bundle?: string
    readonly signContainerIdentity?: readonly string[]
    readonly attachment?: 'sbom'
    readonly payload?: string
    readonly json?: boolean
  } & PartOptions

export function addSign(program: Command, io: Io): void {
  const command = program
    .command('sign')
    .summary('sign images in a registry')
    .description(
      'Signs images with a fresh key that is certified for your identity, or with a key of yours, and stores the signatures beside them in the registry. Nothing is stored that the transparency log or the trusted root refuses.',
    )
    .argument('<image...>', 'what to sign; best by digest: registry.example/app@sha256:…')
    .option('-a, --annotations <name=value>', 'sign this too; may be repeated', collectAnnotation)
    .option('-r, --recursive', 'sign each image of an index too')
    .option('--no-upload', 'store nothing in the registry')
    .option('--bundle <file>', 'write the bundle there too')
    .addOption(new Option('--upload').hideHelp())
    .addOption(
      new Option(
        '--sign-container-identity <name>',
        'what old signatures call the image; may be repeated',
      ).argParser(collectList),
    )
    .addOption(new Option('--attachment <kind>', 'sign what is attached').choices(['sbom']).hideHelp())
    .addOption(new Option('--record-creation-timestamp').hideHelp())
    .option('--payload <file>', 'what an old signature is over')
  addPartOptions(command)
  addFormatOptions(command)
  addSigningOptions(command)
  addRegistryOptions(command)
    .option('--json', 'tell the result as JSON on standard output')
    .action((images: readonly string[], options: Options) => signImages(io, images, options))
}

export async function signImages(io: Io, given: readonly string[], options: Options): Promise<void> {
  const formats = formatsOf(options)
  demandPlace(options, formats)
  const inputs = [options.key, options.identityToken, options.trustConfig, options.payload].filter(
    (each) => each !== undefined,
  )
  const { bundle: place, payload: payloadFile } = options
  await demandOutputs([...(place === undefined ? [] : [place]), ...placesOf(options)], inputs)
  if (payloadFile !== undefined) io.err(`Using payload from: ${payloadFile}\n`)
  const payload = payloadFile === undefined ? undefined : await readInput(io, payloadFile)
  const registries = await openRegistries(io, options)
  const images: Image[] = []
  for (const each of given) {
    const image = await findSigned(registries, each, options.attachment)
    warnOfTag(io, image)
    images.push(...(options.recursive === true ? await withChildren(image) : [image]))
  }
  if (options.bundle !== undefined && images.length > 1)
    throw new CliError('bad_usage', `--bundle holds one signature, and ${images.length} images are signed`)
  demandOnePlace(images.length, options)

  const signing = await openSigning(io, options, () => undefined, formats.legacy ? ofLegacyForms : {})
  if (options.key === undefined) io.err('Generating ephemeral keys...\n')
  const made: Attachment[] = []
  for (const image of images) {
    // A payload of the caller's has the name in it.
    const own = [repositoryText(image.reference)]
    const names = payload === undefined ? (options.signContainerIdentity ?? own) : own
    io.err('Signing artifact...\n')
    for (const reference of formats.legacy ? names : names.slice(0, 1))
      made.push(
        await makeSignature(
          image,
          { reference, annotations: options.annotations ?? {}, payload },
          { formats: { ...formats, bundle: formats.bundle && reference === names[0] }, signing, options },
        ),
      )
  }
  await writeParts(io, made, signing, options, inputs)
  if (place !== undefined && !formats.bundle) {
    await writeOutput(io, place, legacyBundlesOf(made), inputs)
    if (place !== '-') io.err(`Wrote bundle to file ${place}\n`)
  }
  // Only now: what a log or an authority refuses leaves nothing in a registry.
  for (const attachment of made) {
    const { image, bundle, accepted } = attachment
    if (options.upload !== false) {
      io.err(`Pushing signature to: ${repositoryText(image.attachments.name)}\n`)
      await pushAttachment(attachment)
    }
    if (options.bundle !== undefined && bundle !== undefined) {
      await writeOutput(io, options.bundle, `${bundle}\n`, inputs)
      if (options.bundle !== '-') io.err(`Wrote bundle to file ${options.bundle}\n`)
    }
    if (accepted !== undefined) tellSigner(io, accepted)
  }
  if (options.json === true) io.out(`${JSON.stringify(made.map(membersOf))}\n`)
}

function demandPlace(options: Options, formats: ReturnType<typeof formatsOf>): void {
  if (options.payload !== undefined && !formats.legacy)
    throw new CliError('bad_usage', '--payload is what an old signature is over, and a bundle is none', {
      advice: 'Add --new-bundle-format=false, or leave it out: what a bundle signs is made from the image.',
    })
  if (options.bundle === '-' && options.json === true)
    throw new CliError('bad_usage', '--json and --bundle - would both write to standard output; choose one')
  if (options.upload === false && options.bundle === undefined && placesOf(options).length === 0)
    throw new CliError(
      'bad_usage',
      'must enable upload to the OCI registry or specify a local --bundle path with --new-bundle-format',
    )
}

/** The index first, as it was named, then what it holds. */
async function withChildren(image: Image): Promise<readonly Image[]> {
  const children: Image[] = []
  for await (const { digest } of walkManifests(image.repository, image.digest))
    if (digest !== image.digest) children.push({ ...image, digest })
  return [image, ...children]
}

function membersOf({ image, accepted, bundle, layer }: Attachment): object {
  const { given, digest } = image
  const formats = [...(bundle === undefined ? [] : ['bundle']), ...(layer === undefined ? [] : ['legacy'])]
  return { image: given, digest, formats, ...(accepted && signerMembers(accepted)) }
}
