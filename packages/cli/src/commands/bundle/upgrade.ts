import { encodeBundle } from '@sigstack/signing'
import { readBundle } from '@sigstack/verification'
import type { Command } from 'commander'
import { demandOutput, readTextInput, writeOutput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { type LogOptions, withProofs } from './inclusion-proofs.ts'

type Options = LogOptions & { readonly out?: string }

export function addBundleUpgrade(bundle: Command, io: Io): void {
  bundle
    .command('upgrade')
    .summary('bring a bundle to version 0.3')
    .description(
      'Brings a bundle to version 0.3: one certificate, and a proof of inclusion in place of a promise alone.',
    )
    .argument('<bundle>', 'the bundle; - is standard input')
    .option('--out <file>', 'where it goes (default: standard output)')
    .option('--rekor-url <url>', 'the log that has the proofs (default: of the running stack)')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .action((file: string, options: Options) => upgradeBundle(io, file, options))
}

export async function upgradeBundle(io: Io, file: string, options: Options): Promise<void> {
  const { out } = options
  if (out !== undefined) await demandOutput(out, [])
  const bundle = readBundle(await readTextInput(io, file, 'bundle'), { allowCertificateChain: true })
  io.err(
    bundle.version === '0.3'
      ? 'Bundle is already at v0.3, no upgrade needed.\n'
      : `Upgrading from v${bundle.version} to v0.3...\n`,
  )
  const text = encodeBundle(await withProofs(io, bundle, options))
  if (out === undefined) {
    io.file(`${text}\n`)
    return
  }
  await writeOutput(io, out, `${text}\n`)
  io.err(`Successfully upgraded bundle written to ${out}\n`)
}
