import { encodePublicKeyPem } from '@sigstack/crypto'
import { openPublicHalf } from '@sigstack/signing/keys'
import { type Command, Option } from 'commander'
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'
import { keyContext } from '../../key-context.ts'
import { refuseHardwareKey } from '../../signing/hardware-key.ts'
import { writePublicKey } from './write-key-pair.ts'

type Options = { readonly key?: string; readonly outfile?: string; readonly sk?: boolean }

export function addPublicKey(program: Command, io: Io): void {
  program
    .command('public-key')
    .summary('print the public half of a key')
    .description('Prints the public half of a key in PEM on standard output.')
    .option('--key <reference>', 'a file, URL, env://NAME, k8s://NAMESPACE/NAME or key of a service')
    .option('--outfile <file>', 'write it there')
    .addOption(new Option('--sk').hideHelp())
    .addOption(new Option('--slot <slot>').hideHelp())
    .action((options: Options) => printPublicKey(io, options))
}

export async function printPublicKey(io: Io, { key, outfile, sk }: Options): Promise<void> {
  refuseHardwareKey(sk)
  if (key === undefined) throw new CliError('bad_usage', 'please name the key with --key')
  const pem = encodePublicKeyPem(await openPublicHalf(key, keyContext(io)))
  if (outfile === undefined) io.out(pem)
  else await writePublicKey(io, outfile, pem, [key])
}
