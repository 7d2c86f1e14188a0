import { type Artifact, parseDigest, readArtifact, verifyBundle } from '@sigstack/verification'
import type { Command } from 'commander'
import { CliError } from '../errors.ts'
import { streamInput } from '../files.ts'
import type { Io } from '../io.ts'
import { isUrl, readBytes } from '../location.ts'
import { noBundle, readSigned, type Signed, type SignedOptions } from '../verifying/read-signed.ts'
import {
  addVerifyingOptions,
  readConditions,
  readSigner,
  type VerifyingOptions,
  warnOfBreadth,
  withoutAliases,
} from '../verifying/verifying-options.ts'

type Options = VerifyingOptions & SignedOptions & { readonly json?: boolean }

export function addVerifyBlob(program: Command, io: Io): void {
  const command = program
    .command('verify-blob')
    .summary('verify a file with its bundle')
    .description(
      'Verifies FILE offline. Prints "Verified OK" on standard error and ends with status 0, else with 1.',
    )
    .argument('<file>', 'what was signed: a file, a URL, - for standard input, or sha256:<hex>')
    .option('--bundle <file>', 'the bundle, of any version or in the old form of cosign')
    .option('--signature <file>', 'a signature in base64, in place of a bundle')
    .option('--certificate <file>', 'its certificate')
    .option('--rfc3161-timestamp <file>', 'its timestamp')
  addVerifyingOptions(command).action((file: string, options: Options) =>
    verifyBlob(io, file, withoutAliases(options)),
  )
}

export async function verifyBlob(io: Io, file: string, options: Options): Promise<void> {
  if (options.bundle === undefined && options.signature === undefined) throw noBundle()
  if (file === '-' && options.bundle === '-')
    throw new CliError('bad_usage', 'the file and the bundle cannot both be standard input')
  const signer = await readSigner(io, options)
  const signed = await readSigned(io, options, signer, 'file')
  const conditions = await readConditions(io, options, 'blob', signer)
  const artifact = await artifactOf(io, file, signed)
  const { identity } = await verifyBundle({ ...conditions, bundle: signed.bundleFor(artifact), artifact })
  warnOfBreadth(io, signer, identity)
  if (options.json === true) {
    const result = { verified: true, identity: identity?.subject, issuer: identity?.issuer }
    io.out(`${JSON.stringify(result)}\n`)
  }
  io.err('Verified OK\n')
}

async function artifactOf(io: Io, file: string, { algorithms }: Signed): Promise<Artifact> {
  const byDigest = parseDigest(file)
  if (typeof byDigest === 'string') throw new CliError('bad_usage', byDigest)
  if (byDigest !== undefined) return byDigest
  const parts = isUrl(file) ? [await readBytes(file, 'file')] : streamInput(io, file)
  return readArtifact(parts, algorithms)
}
