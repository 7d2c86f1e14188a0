import { isHashAlgorithm } from '@sigstack/crypto'
import { predicateTypeUri } from '@sigstack/signing'
import { type Artifact, parseDigest, readArtifact, verifyBundle } from '@sigstack/verification'
import { type Command, Option } from 'commander'
import { CliError } from '../errors.ts'
import { streamInput } from '../files.ts'
import type { Io } from '../io.ts'
import { readSigned, type SignedOptions } from '../verifying/read-signed.ts'
import {
  addVerifyingOptions,
  readConditions,
  readSigner,
  type VerifyingOptions,
  warnOfBreadth,
  withoutAliases,
} from '../verifying/verifying-options.ts'

type Options = VerifyingOptions &
  SignedOptions & {
    readonly type: string
    readonly checkClaims?: boolean
    readonly digest?: string
    readonly digestAlg?: string
    readonly json?: boolean
  }

export function addVerifyBlobAttestation(program: Command, io: Io): void {
  const command = program
    .command('verify-blob-attestation')
    .summary('verify what is attested of a file')
    .description(
      'Verifies offline that the bundle attests something of FILE. Prints "Verified OK" on standard error and ends with status 0, else with 1.',
    )
    .argument('[file]', 'what the statement is about: a file, - for standard input, or sha256:<hex>')
    .option('--bundle <file>', 'the bundle')
    .option(
      '--type <type>',
      'the predicate type that it must have: a short name of cosign, or a URI',
      'custom',
    )
    .option('--digest <hex>', 'the digest of the file, in place of it')
    .option('--digestAlg <algorithm>', 'by which: sha256, sha384 or sha512')
    .option('--no-check-claims', 'accept a statement about anything')
    .option('--signature <file>', 'an envelope alone, in place of a bundle')
    .option('--certificate <file>', 'its certificate')
    .option('--rfc3161-timestamp <file>', 'its timestamp')
    .addOption(new Option('--check-claims').hideHelp())
  addVerifyingOptions(command).action((file: string | undefined, options: Options) =>
    verifyBlobAttestation(io, file, withoutAliases(options)),
  )
}

export async function verifyBlobAttestation(
  io: Io,
  file: string | undefined,
  options: Options,
): Promise<void> {
  const ignoreSubject = options.checkClaims === false
  const named = digestOf(options)
  if (file === undefined && named === undefined && !ignoreSubject)
    throw new CliError('bad_usage', 'must provide path to blob or digest and digestAlg')
  if (options.bundle === undefined && options.signature === undefined)
    throw new CliError(
      'bad_usage',
      'please specify path to the DSSE envelope signature via --bundle or --signature',
    )
  if (file === '-' && options.bundle === '-')
    throw new CliError('bad_usage', 'the file and the bundle cannot both be standard input')
  const predicateType = predicateTypeUri(options.type)
  const signer = await readSigner(io, options)
  const signed = await readSigned(io, options, signer, 'statement')
  const conditions = await readConditions(io, options, 'blob attestation', signer)
  const artifact = ignoreSubject ? { digests: {} } : (named ?? (await artifactOf(io, file ?? '-', signed)))
  const { identity } = await verifyBundle({
    ...conditions,
    bundle: signed.bundleFor(artifact),
    ...(signed.stamped !== undefined && { stamped: signed.stamped }),
    artifact,
    predicateType,
    ignoreSubject,
  })
  warnOfBreadth(io, signer, identity)
  if (options.json === true) {
    const result = { verified: true, predicateType, identity: identity?.subject, issuer: identity?.issuer }
    io.out(`${JSON.stringify(result)}\n`)
  }
  io.err('Verified OK\n')
}

function digestOf({ digest, digestAlg }: Options): Artifact | undefined {
  if (digest === undefined || digestAlg === undefined) return undefined
  const parsed = isHashAlgorithm(digestAlg) ? parseDigest(`${digestAlg}:${digest}`) : undefined
  if (typeof parsed === 'object') return parsed
  throw new CliError('bad_usage', parsed ?? 'a digest is in hex, by sha256, sha384 or sha512')
}

async function artifactOf(
  io: Io,
  file: string,
  { algorithms }: Awaited<ReturnType<typeof readSigned>>,
): Promise<Artifact> {
  const byDigest = parseDigest(file)
  if (typeof byDigest === 'string') throw new CliError('bad_usage', byDigest)
  return byDigest ?? readArtifact(streamInput(io, file), algorithms)
}
