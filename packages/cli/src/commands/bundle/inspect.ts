import { memberAt } from '@sigstack/crypto'
import { readBundle } from '@sigstack/verification'
import type { Command } from 'commander'
import { readTextInput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { bundleFacts } from '../../presentation/bundle-facts.ts'
import { describeBundle } from '../../presentation/describe-bundle.ts'

export function addBundleInspect(bundle: Command, io: Io): void {
  bundle
    .command('inspect')
    .summary('show what a bundle holds')
    .description('Shows what a bundle holds as an indented list. Nothing of it is verified.')
    .argument('<bundle>', 'the bundle; - is standard input')
    .option('--json', 'tell it as JSON')
    .action((file: string, options: { readonly json?: boolean }) => inspectBundle(io, file, options))
}

export async function inspectBundle(
  io: Io,
  file: string,
  { json: asJson = false }: { readonly json?: boolean },
): Promise<void> {
  io.err('WARNING: This command only inspects the contents of the bundle.\n')
  io.err('It does not perform cryptographic verification or verify log inclusion.\n\n')
  const text = await readTextInput(io, file, 'bundle')
  const bundle = readBundle(text, { allowCertificateChain: true })
  const json: unknown = JSON.parse(text)
  const mediaType = String(memberAt(json, 'mediaType') ?? memberAt(json, 'media_type'))
  io.out(asJson ? `${JSON.stringify(bundleFacts(mediaType, bundle))}\n` : describeBundle(mediaType, bundle))
}
