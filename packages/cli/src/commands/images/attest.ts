import { repositoryText } from '@sigstack/oci'
import { attestationStatement, predicateTypeOfStatement } from '@sigstack/signing'
import { type Command, Option } from 'commander'
import { CliError } from '../../errors.ts'
import { demandOutputs, readInput, readTextInput, writeOutput } from '../../files.ts'
import { addFormatOptions, type FormatOptions, formatsOf } from '../../images/formats.ts'
import { findImage, type Image } from '../../images/image.ts'
import { makeAttestation, pushAttachment } from '../../images/make-signature.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import { warnOfTag } from '../../images/warn-of-tag.ts'
import type { Io } from '../../io.ts'
import { signerMembers, tellSigner } from '../../signing/finish-signature.ts'
import {
  addSigningOptions,
  entryTypeOption,
  ofLegacyForms,
  openSigning,
  type SigningOptions,
} from '../../signing/signing-options.ts'

type Options = SigningOptions &
  RegistryOptions &
  FormatOptions & {
    readonly predicate?: string
    readonly statement?: string
    readonly type: string
    readonly upload?: boolean
    readonly bundle?: string
    readonly replace?: boolean
    readonly json?: boolean
  }

export function addAttest(program: Command, io: Io): void {
  const command = program
    .command('attest')
    .summary('sign what a predicate says of an image')
    .description('Makes an in-toto statement about IMAGE, signs it, and stores it beside the image.')
    .argument('<image>', 'what the statement is about, in a registry')
    .option('--predicate <file>', 'what is said of it; - is standard input')
    .option('--statement <file>', 'a whole statement, signed byte for byte; its subject must be the image')
    .option('--type <type>', 'type of the predicate: a short name of cosign, or a URI', 'custom')
    .option('--no-upload', 'store nothing in the registry')
    .option('--bundle <file>', 'write the bundle there too')
    .option('--replace', 'remove what else is attested of this type, by whomever')
    .addOption(new Option('--upload').hideHelp())
    .addOption(new Option('--record-creation-timestamp').hideHelp())
    .addOption(entryTypeOption())
  addFormatOptions(command)
  addSigningOptions(command)
  addRegistryOptions(command)
    .option('--json', 'tell the result as JSON on standard output')
    .action((image: string, options: Options) => attest(io, image, options))
}

export async function attest(io: Io, given: string, options: Options): Promise<void> {
  const { bundle: path, predicate, statement } = options
  if ((predicate === undefined) === (statement === undefined))
    throw new CliError('bad_usage', 'one of --predicate and --statement is required, and not both')
  const formats = formatsOf(options)
  if (path !== undefined && !formats.bundle)
    throw new CliError('bad_usage', '--bundle holds a bundle, and --format legacy makes none')
  if (path === '-' && options.json === true)
    throw new CliError('bad_usage', '--json and --bundle - would both write to standard output; choose one')
  const inputs = [options.key, predicate, statement].filter((each) => each !== undefined)
  if (path !== undefined) await demandOutputs([path], inputs)

  const image = await findImage(await openRegistries(io, options), given)
  warnOfTag(io, image)
  const what = await statementOf(io, image, options)
  const signing = await openSigning(io, options, () => undefined, formats.legacy ? ofLegacyForms : {})
  if (options.key === undefined) io.err('Generating ephemeral keys...\n')
  io.err('Signing artifact...\n')
  const made = await makeAttestation(image, what, { formats, signing, options })
  if (options.upload !== false) await pushAttachment(made, { replace: options.replace === true })
  if (path !== undefined && made.bundle !== undefined) {
    await writeOutput(io, path, `${made.bundle}\n`, inputs)
    if (path !== '-') io.err(`Wrote bundle to file ${path}\n`)
  }
  // As stock cosign: who stores nothing is shown what there would be.
  else if (options.upload === false && options.json !== true) io.out(`${made.bundle ?? ''}\n`)
  const { accepted, predicateType } = made
  if (accepted !== undefined) tellSigner(io, accepted)
  const { digest } = image
  if (options.json === true)
    io.out(
      `${JSON.stringify({ image: given, digest, predicateType, ...(accepted && signerMembers(accepted)) })}\n`,
    )
}

async function statementOf(
  io: Io,
  { reference, digest }: Image,
  { predicate, statement, type }: Options,
): Promise<{ readonly statement: Uint8Array; readonly predicateType: string }> {
  const [algorithm = '', hex = ''] = digest.split(':')
  if (statement !== undefined) {
    const bytes = await readInput(io, statement)
    io.err(`Using payload from: ${statement}\n`)
    return { statement: bytes, predicateType: predicateTypeOfStatement(bytes.toString('utf8')) }
  }
  const text = await readTextInput(io, predicate ?? '-', 'predicate')
  io.err(`Using payload from: ${predicate}\n`)
  const subject = { name: repositoryText(reference), digest: { [algorithm]: hex } }
  const bytes = attestationStatement(subject, type, text, new Date())
  return { statement: bytes, predicateType: predicateTypeOfStatement(Buffer.from(bytes).toString('utf8')) }
}
