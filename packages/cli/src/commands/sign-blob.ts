import { sha256Hex } from '@sigstack/crypto'
import type { Command } from 'commander'
import { CliError } from '../errors.ts'
import { type Io, readInput, writeOutput } from '../io.ts'
import { resolveIdentityToken } from '../signing/identity-token.ts'
import { selectServices } from '../signing/select-services.ts'
import { signBundle } from '../signing/sign-bundle.ts'
import { readTrustConfig } from '../trust-source.ts'
import { readBundle } from '../verification/read-bundle.ts'
import { verifyBundle } from '../verification/verify-bundle.ts'

type Options = {
  readonly bundle?: string
  readonly identityToken?: string
  readonly trustConfig?: string
  readonly data?: string
  readonly json?: boolean
}

export function addSignBlob(program: Command, io: Io): void {
  program
    .command('sign-blob')
    .summary('sign a file into a bundle')
    .description('Signs FILE (- for standard input) with a fresh key that is certified for your identity.')
    .argument('<file>', 'what to sign; - is standard input')
    .option('--bundle <out>', 'where the bundle goes (default: FILE.sigstore.json); - is standard output')
    .option('--identity-token <token>', 'an identity token, or a file that holds one')
    .option(
      '--trust-config <location>',
      'file or URL of the client trust config (default: of the running stack)',
    )
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell the result as JSON on standard output')
    .action((file: string, options: Options) => signBlob(io, file, options))
}

/** The bundle is verified against the published trust before it is written anywhere. */
export async function signBlob(io: Io, file: string, options: Options): Promise<void> {
  const path = bundlePath(file, options)
  const artifact = await readInput(io, file)
  const { config, trustedRoot } = await readTrustConfig(io, options)
  const services = selectServices(config.signingConfig, new Date())
  const identityToken = await resolveIdentityToken(io, options)
  const { text } = await signBundle({
    artifact,
    identityToken,
    services,
    onProgress: (step) => io.err(`${step}\n`),
  })

  // From its text, so that what is written is what was verified.
  const bundle = readBundle(text)
  const { identity } = await verifyBundle({
    bundle,
    artifact: { bytes: artifact },
    trustedRoot,
    signer: {},
    // Their CA runs without one, and the published trust says so: it lists none, or only those that had an end.
    ignoreSct: !config.trustedRoot.ctlogs.some(({ validFor }) => validFor.end === undefined),
  }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : ''
    throw new CliError(
      'not_signed',
      `the fresh signature does not verify, so it was not written: ${reason}`,
      {
        cause,
        advice: 'The published trust and the services disagree; was a key changed a moment ago?',
      },
    )
  })
  await writeOutput(io, path, text)

  const [entry] = bundle.verificationMaterial.tlogEntries
  if (options.json === true) {
    const result = {
      bundle: path,
      sha256: sha256Hex(artifact),
      identity: identity?.subject,
      issuer: identity?.issuer,
      logIndex: entry?.logIndex,
      integratedTime: entry && new Date(Number(entry.integratedTime) * 1000).toISOString(),
    }
    io.out(`${JSON.stringify(result)}\n`)
    return
  }
  io.err(`Signed as ${identity?.subject} (${identity?.issuer}), log index ${entry?.logIndex}\n`)
  if (path !== '-') io.err(`Wrote bundle to file ${path}\n`)
}

function bundlePath(file: string, options: Options): string {
  if (options.bundle === undefined && file === '-') {
    throw new CliError('bad_usage', 'with standard input, --bundle must say where the bundle goes')
  }
  if (options.bundle === '-' && options.json === true) {
    throw new CliError('bad_usage', '--json and --bundle - would both write to standard output; choose one')
  }
  return options.bundle ?? `${file}.sigstore.json`
}
