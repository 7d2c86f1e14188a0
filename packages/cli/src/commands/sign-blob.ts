import { quoted, toHex } from '@sigstack/crypto'
import { encodeLegacyBundle, signMessage } from '@sigstack/signing'
import { type Command, Option } from 'commander'
import { CliError } from '../errors.ts'
import { demandOutputs, demandWritable, streamInput, writeOutput } from '../files.ts'
import type { Io } from '../io.ts'
import { placesOfParts, signatureAlone, writeBlobParts } from '../signing/blob-parts.ts'
import { demandAccepted, signerMembers, tellSigner } from '../signing/finish-signature.ts'
import {
  addSigningOptions,
  ofLegacyForms,
  openSigning,
  type SigningOptions,
} from '../signing/signing-options.ts'

type Options = SigningOptions & {
  readonly bundle?: string
  readonly newBundleFormat?: boolean
  readonly outputSignature?: string
  /** Its name of before. */
  readonly output?: string
  readonly outputCertificate?: string
  readonly rfc3161Timestamp?: string
  readonly b64?: boolean
  readonly json?: boolean
}

export function addSignBlob(program: Command, io: Io): void {
  const command = program
    .command('sign-blob')
    .summary('sign a file into a bundle')
    .description(
      'Signs FILE (- for standard input) with a fresh key that is certified for your identity, or with a key of yours.',
    )
    .argument('<file>', 'what to sign; - is standard input')
    .option(
      '--bundle <out>',
      'where the bundle goes (default: FILE.sigstore.json, and no bundle where parts alone are asked for); - is standard output',
    )
    .option('--output-signature <file>', 'write the signature alone there, in base64')
    .option('--output-certificate <file>', 'write the certificate alone there, in PEM')
    .option('--rfc3161-timestamp <file>', 'write the timestamp alone there')
  addSigningOptions(command)
    .option(
      '--no-new-bundle-format',
      'print the signature in base64, and write --bundle in the old form of cosign',
    )
    .addOption(new Option('--new-bundle-format').hideHelp())
    .addOption(new Option('--output <file>').hideHelp())
    .addOption(new Option('--signing-algorithm <name>').argParser(demandAlgorithm).hideHelp())
    .addOption(new Option('--b64').hideHelp())
    .addOption(new Option('--no-b64').hideHelp())
    .option('--json', 'tell the result as JSON on standard output')
    .action((file: string, options: Options) => signBlob(io, file, options))
}

/** Of the fresh key; a key of the caller's has its own. */
function demandAlgorithm(name: string): string {
  if (name === 'ecdsa-sha2-256-nistp256') return name
  throw new CliError(
    'bad_usage',
    `--signing-algorithm ${quoted(name, 60)}: fresh keys are ecdsa-sha2-256-nistp256`,
    {
      advice: 'Sign with a key of another kind by --key, or leave the option out.',
    },
  )
}

/** The bundle is verified against the published trust before it is written anywhere. */
export async function signBlob(io: Io, file: string, options: Options): Promise<void> {
  if (options.b64 === false)
    throw new CliError('bad_usage', '--b64=false: a signature alone is always told in base64', {
      advice: '`base64 --decode` gives its bytes.',
    })
  const isLegacy = options.newBundleFormat === false
  const outputSignature = options.outputSignature ?? options.output
  const parts = {
    signature: outputSignature,
    certificate: options.outputCertificate,
    timestamp: options.rfc3161Timestamp,
  }
  // Who names where parts go wants those, as scripts of cosign 2 do, and no file besides.
  const isBundled = !isLegacy && placesOfParts(parts).length === 0
  const path = isBundled ? bundlePath(file, options) : bundleGiven(options)
  const inputs = [file, options.key, options.identityToken, options.trustConfig].filter(
    (input) => input !== undefined,
  )
  const outputs = [...(path === undefined ? [] : [path]), ...placesOfParts(parts)]
  // Before anything is signed and logged, as is `demandWritable`; looked at again when they are written.
  await demandOutputs(outputs, inputs)
  const isAlone = isLegacy || path === undefined
  const logOptions = isAlone ? ofLegacyForms : {}
  const signing = await openSigning(io, options, (step) => io.err(`${step}\n`), logOptions)
  await demandWritable(outputs)
  const { text, artifact } = await signMessage(streamInput(io, file), signing)
  const accepted = await demandAccepted(text, artifact, signing, options)
  const { bundle } = accepted
  if (path !== undefined)
    await writeOutput(io, path, isLegacy ? encodeLegacyBundle(bundle) : `${text}\n`, inputs)
  await writeBlobParts(io, bundle, parts, inputs, (told) => io.err(`WARNING: ${told}\n`))

  if (options.json === true) {
    const sha256 = artifact.digests.sha256
    const result = { bundle: path, sha256: sha256 && toHex(sha256), ...signerMembers(accepted) }
    io.out(`${JSON.stringify(result)}\n`)
    return
  }
  if (isAlone && outputSignature === undefined) io.out(`${signatureAlone(bundle)}\n`)
  tellSigner(io, accepted)
  if (path !== undefined && path !== '-') io.err(`Wrote bundle to file ${path}\n`)
}

function bundlePath(file: string, options: Options): string {
  const given = bundleGiven(options)
  if (given === undefined && file === '-')
    throw new CliError('bad_usage', 'with standard input, --bundle must say where the bundle goes')
  return given ?? `${file}.sigstore.json`
}

function bundleGiven({ bundle, json }: Options): string | undefined {
  if (bundle === '-' && json === true)
    throw new CliError('bad_usage', '--json and --bundle - would both write to standard output; choose one')
  return bundle
}
