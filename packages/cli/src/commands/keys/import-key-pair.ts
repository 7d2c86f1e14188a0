import { importPrivateKey } from '@sigstack/signing/keys'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { readTextInput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { writeKeyPair } from './write-key-pair.ts'

type Options = { readonly key?: string; readonly outputKeyPrefix: string; readonly yes?: boolean }

export function addImportKeyPair(program: Command, io: Io): void {
  program
    .command('import-key-pair')
    .summary('take a private key of another tool to sign with')
    .description(
      'Takes a private key in PEM (RSA of 2048, 3072 or 4096 bits, ECDSA P-256, P-384 or P-521, Ed25519) and writes it under a password to PREFIX.key, and its public half to PREFIX.pub.',
    )
    .option('-k, --key <file>', 'the private key: PKCS #8, PKCS #1 or SEC 1, without a password')
    .option('-o, --output-key-prefix <prefix>', 'what the names of both files begin with', 'import-cosign')
    .option('-y, --yes', 'overwrite without asking')
    .action((options: Options) => importKeyPair(io, options))
}

export async function importKeyPair(io: Io, { key, outputKeyPrefix, yes }: Options): Promise<void> {
  if (key === undefined) throw new CliError('bad_usage', 'please name the private key with --key')
  const privateKey = importPrivateKey(await readTextInput(io, key, 'private key'))
  await writeKeyPair(io, privateKey, outputKeyPrefix, { yes: yes === true, inputs: [key] })
}
