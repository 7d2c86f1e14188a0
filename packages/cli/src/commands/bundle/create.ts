import { encodeBundle, keyHintOf } from '@sigstack/signing'
import {
  type Bundle,
  bundleOfParts,
  type LegacyParts,
  readArtifact,
  readEnvelope,
  readLegacyBundle,
} from '@sigstack/verification'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { demandOutput, readTextInput, streamInput, writeOutput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { readSignature } from '../../verifying/read-signed.ts'
import { readTimestampFile } from '../../verifying/timestamp-file.ts'
import { type LogOptions, withProofs } from './inclusion-proofs.ts'

type Options = LogOptions & {
  readonly artifact?: string
  readonly attestation?: string
  readonly signature?: string
  readonly certificate?: string
  readonly key?: string
  readonly bundle?: string
  readonly rfc3161Timestamp?: string
  readonly ignoreTlog?: boolean
  readonly out?: string
}

export function addBundleCreate(bundle: Command, io: Io): void {
  bundle
    .command('create')
    .summary('make a bundle of the parts of a signature')
    .description(
      'Makes a bundle of version 0.3 out of a signature, its certificate or key, and its log entry.',
    )
    .option('--artifact <file>', 'what was signed')
    .option('--attestation <file>', 'the DSSE envelope, where a statement was signed')
    .option('--signature <file>', 'the signature of the file, in base64')
    .option('--certificate <file>', 'the certificate of who signed, in PEM')
    .option('--key <reference>', 'the public key of who signed, as verify-blob takes it')
    .option('--bundle <file>', 'a bundle in the old form of cosign, with the log entry')
    .option('--rfc3161-timestamp <file>', 'a timestamp: JSON of cosign, or the DER response itself')
    .option('--ignore-tlog', 'make a bundle that is in no log')
    .option('--rekor-url <url>', 'the log that has the proof (default: of the running stack)')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--out <file>', 'where it goes (default: standard output)')
    .action((options: Options) => createBundle(io, options))
}

export async function createBundle(io: Io, options: Options): Promise<void> {
  const { out, artifact, bundle: old, ignoreTlog } = options
  if (out !== undefined) await demandOutput(out, artifact === undefined ? [] : [artifact])
  const parts = await partsOf(io, options)
  if (parts.entry === undefined && ignoreTlog !== true)
    throw new CliError('bad_usage', 'there is no log entry for the bundle', {
      advice:
        old === undefined
          ? 'Name the old bundle that has it with --bundle, or say --ignore-tlog.'
          : `${old} has none; say --ignore-tlog to make a bundle without.`,
    })
  const made = bundleOfParts(parts, await contentOf(io, parts, options))
  const complete = await withProofs(io, await withSigner(io, made, options), options)
  const text = `${encodeBundle(complete)}\n`
  if (out === undefined) io.file(text)
  else await writeOutput(io, out, text)
}

async function partsOf(io: Io, options: Options): Promise<LegacyParts> {
  const { bundle, signature, certificate, rfc3161Timestamp, ignoreTlog } = options
  const old = bundle === undefined ? undefined : readLegacyBundle(await readTextInput(io, bundle, 'bundle'))
  const given = signature === undefined ? old?.signature : await readSignature(io, signature)
  if (given === undefined && options.attestation === undefined)
    throw new CliError('bad_usage', 'must at least supply signature via --bundle or --signature')
  const own = certificate === undefined ? old?.certificate : await leafOf(certificate)
  const timestamp = rfc3161Timestamp === undefined ? undefined : await readTimestampFile(io, rfc3161Timestamp)
  return {
    signature: given ?? new Uint8Array(),
    certificate: own,
    entry: ignoreTlog === true ? undefined : old?.entry,
    timestamp,
  }
}

async function contentOf(
  io: Io,
  { signature }: LegacyParts,
  { artifact, attestation }: Options,
): Promise<Bundle['content']> {
  if (attestation !== undefined) return readEnvelope(await readTextInput(io, attestation, 'envelope'))
  if (artifact === undefined) throw new CliError('bad_usage', 'must supply --artifact')
  const { digests } = await readArtifact(streamInput(io, artifact), ['sha256'])
  if (digests.sha256 === undefined) throw new Error('an artifact has the digests that were asked for')
  return { type: 'message', algorithm: 'sha256', digest: digests.sha256, signature }
}

async function withSigner(io: Io, bundle: Bundle, { key }: Options): Promise<Bundle> {
  if ('certificate' in bundle.material) return bundle
  if (key === undefined)
    throw new CliError('bad_usage', 'please name who signed, with --certificate or --key')
  const { openPublicHalf } = await import('@sigstack/signing/keys')
  const { keyContext } = await import('../../key-context.ts')
  return { ...bundle, material: { keyHint: keyHintOf(await openPublicHalf(key, keyContext(io))) } }
}

async function leafOf(path: string): Promise<Uint8Array | undefined> {
  const { readCertificates } = await import('../../signing/key-credential.ts')
  return (await readCertificates(path, 'certificate'))[0]?.der
}
