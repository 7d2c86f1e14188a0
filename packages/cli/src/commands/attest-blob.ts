import { basename } from 'node:path'
import { parseHex, toHex } from '@sigstack/crypto'
import {
  attestationStatement,
  encodeLegacyBundle,
  predicateTypeOfStatement,
  signStatement,
} from '@sigstack/signing'
import { type Artifact, readArtifact } from '@sigstack/verification'
import { type Command, Option } from 'commander'
import { CliError } from '../errors.ts'
import {
  demandOutputs,
  demandWritable,
  readInput,
  readTextInput,
  streamInput,
  writeOutput,
} from '../files.ts'
import type { Io } from '../io.ts'
import { placesOfParts, signatureAlone, writeBlobParts } from '../signing/blob-parts.ts'
import { demandAccepted, signerMembers, tellSigner } from '../signing/finish-signature.ts'
import {
  addSigningOptions,
  entryTypeOption,
  ofLegacyForms,
  openSigning,
  type SigningOptions,
} from '../signing/signing-options.ts'

type Options = SigningOptions & {
  readonly bundle?: string
  readonly newBundleFormat?: boolean
  readonly outputSignature?: string
  readonly outputAttestation?: string
  readonly outputCertificate?: string
  readonly rfc3161TimestampBundle?: string
  readonly predicate?: string
  readonly statement?: string
  readonly type: string
  readonly hash?: string
  readonly json?: boolean
}

export function addAttestBlob(program: Command, io: Io): void {
  const command = program
    .command('attest-blob')
    .summary('sign what a predicate says of a file')
    .description('Makes an in-toto statement about FILE, signs it, and writes it into a bundle.')
    .argument('[file]', 'what the statement is about; with --hash, only its name counts')
    .option('--predicate <file>', 'what is said of it; - is standard input')
    .option('--statement <file>', 'a whole statement, signed byte for byte; its subject must be the file')
    .option('--type <type>', 'type of the predicate: a short name of cosign, or a URI', 'custom')
    .option('--hash <hex>', 'SHA-256 of a file that is elsewhere')
    .option('--bundle <out>', 'where the bundle goes; - is standard output')
  addSigningOptions(command)
    .option('--output-signature <file>', 'write the signature alone there too: the envelope')
    .option('--output-attestation <file>', 'write the statement alone there too')
    .option('--output-certificate <file>', 'write the certificate alone there too, in PEM')
    .option('--rfc3161-timestamp-bundle <file>', 'write the timestamp there too')
    .option('--no-new-bundle-format', 'print the envelope, and write --bundle in the old form of cosign')
    .addOption(new Option('--new-bundle-format').hideHelp())
    .addOption(entryTypeOption())
    .option('--json', 'tell the result as JSON on standard output')
    .action((file: string | undefined, options: Options) => attestBlob(io, file, options))
}

export async function attestBlob(io: Io, file: string | undefined, options: Options): Promise<void> {
  const { bundle: path, predicate, statement } = options
  if ((predicate === undefined) === (statement === undefined))
    throw new CliError('bad_usage', 'one of --predicate and --statement is required, and not both')
  const isLegacy = options.newBundleFormat === false
  if (path === undefined && !isLegacy)
    throw new CliError('bad_usage', 'please say with --bundle where the bundle goes')
  if (path === '-' && options.json === true)
    throw new CliError('bad_usage', '--json and --bundle - would both write to standard output; choose one')
  const inputs = [file, options.key, predicate, statement].filter((input) => input !== undefined)
  const parts = {
    signature: options.outputSignature,
    statement: options.outputAttestation,
    certificate: options.outputCertificate,
    timestamp: options.rfc3161TimestampBundle,
  }
  const outputs = [...(path === undefined ? [] : [path]), ...placesOfParts(parts)]
  await demandOutputs(outputs, inputs)

  const artifact = await artifactOf(io, file, options)
  const payload = await statementOf(io, file, artifact, options)
  const signing = await openSigning(io, options, (step) => io.err(`${step}\n`), isLegacy ? ofLegacyForms : {})
  await demandWritable(outputs)
  const { text } = await signStatement(payload, signing)
  const accepted = await demandAccepted(text, artifact, signing, options)
  const { bundle } = accepted
  if (path !== undefined)
    await writeOutput(io, path, isLegacy ? encodeLegacyBundle(bundle) : `${text}\n`, inputs)
  if (isLegacy && parts.signature === undefined && options.json !== true)
    io.out(`${signatureAlone(bundle)}\n`)
  await writeBlobParts(io, bundle, parts, inputs, (told) => {
    throw new CliError('unwritable', told)
  })
  if (options.json === true) {
    io.out(`${JSON.stringify({ bundle: path, ...signerMembers(accepted) })}\n`)
    return
  }
  tellSigner(io, accepted)
  if (path !== undefined && path !== '-') io.err(`Wrote bundle to file ${path}\n`)
}

/** Undefined where a whole statement is signed without its file. */
async function artifactOf(
  io: Io,
  file: string | undefined,
  { hash, statement, predicate }: Options,
): Promise<Artifact | undefined> {
  if (hash !== undefined) {
    if (!/^[0-9a-f]{64}$/i.test(hash))
      throw new CliError('bad_usage', '--hash must be a SHA-256 of 64 hex digits')
    return { digests: { sha256: parseHex(hash) } }
  }
  if (file === undefined) {
    if (statement !== undefined) return undefined
    throw new CliError('bad_usage', 'please name the file, or its digest with --hash')
  }
  if (file === '-' && (statement ?? predicate) === '-')
    throw new CliError('bad_usage', 'the file and what is said of it cannot both be standard input')
  io.err(`Using payload from: ${file}\n`)
  return readArtifact(streamInput(io, file), ['sha256', 'sha384', 'sha512'])
}

async function statementOf(
  io: Io,
  file: string | undefined,
  artifact: Artifact | undefined,
  { predicate, statement, type }: Options,
): Promise<Uint8Array> {
  if (statement !== undefined) {
    const bytes = await readInput(io, statement)
    predicateTypeOfStatement(bytes.toString('utf8'))
    return bytes
  }
  const sha256 = artifact?.digests.sha256
  if (predicate === undefined || sha256 === undefined) throw new Error('a predicate is about a file')
  const text = await readTextInput(io, predicate, 'predicate')
  io.err(`Using payload from: ${predicate}\n`)
  const subject = { name: file === undefined ? '' : basename(file), digest: { sha256: toHex(sha256) } }
  return attestationStatement(subject, type, text, new Date())
}
