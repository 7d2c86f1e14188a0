/** The authorities of the timestamp authority: renewal before its certificate ends, and retirement. */
import { listStampAuthorities, retireStampAuthority } from '@sigstack/ca-authority'
import type { Command } from 'commander'
import type { Io } from '../io.ts'
import { describeAuthorities } from '../presentation/describe-authorities.ts'
import { timestampAuthority } from './authority-kind.ts'
import { type RotateOptions, rotate } from './authority-rotate.ts'
import { dataOption, jsonOption, keyOption } from './ca-authorities.ts'
import { attempt, type FolderOptions, stampFolder } from './ca-folder.ts'

const tsaDataOption = [
  '--tsa-data <folder>',
  'data folder of a timestamp authority that runs on its own (default: TSA_DATA, else that of the stack)',
] as const

export function addTsa(program: Command, io: Io): void {
  const tsa = program
    .command('tsa')
    .summary('look after the timestamp authority')
    .description('Lists and renews what the timestamp authority signs with.')
  tsa
    .command('chains')
    .summary('list the certificates that stamp')
    .description('Lists the authorities: which one stamps, which are ready or retired.')
    .option(...dataOption)
    .option(...tsaDataOption)
    .option(...jsonOption)
    .action((options: FolderOptions) => listChains(io, options))
  tsa
    .command('rotate')
    .summary('let another certificate stamp, without downtime')
    .description(
      'Makes another key and certificate below the intermediate, waits until the published trusted root lists its chain, and lets it stamp. Stamps of the one before still verify.',
    )
    .option('--prepare', 'only make and publish it; clients learn of it in the meantime')
    .option('--commit <name>', 'let this prepared one stamp')
    .option(...keyOption)
    .option('--trusted-root <location>', 'file or URL of the published trusted root (default: of the stack)')
    .option('--tsa-url <url>', 'where the timestamp authority answers (default: of the running stack)')
    .option('--timeout <seconds>', 'how long publication may take', '180')
    .option(...dataOption)
    .option(...tsaDataOption)
    .option(...jsonOption)
    .action(({ tsaUrl, ...options }: RotateOptions & { readonly tsaUrl?: string }) =>
      rotate(timestampAuthority, io, { ...options, ...(tsaUrl !== undefined && { url: tsaUrl }) }),
    )
  tsa
    .command('retire')
    .summary('publish a chain no more')
    .description(
      'Gives it an end in the published trusted root; its stamps of before can still be verified. The one that stamps cannot be retired.',
    )
    .argument('<name>', 'as `sigstack tsa chains` lists it')
    .option(...dataOption)
    .option(...tsaDataOption)
    .option(...jsonOption)
    .action((name: string, options: FolderOptions) => retire(io, name, options))
}

async function listChains(io: Io, options: FolderOptions): Promise<void> {
  const listed = await attempt(async () => listStampAuthorities(await stampFolder(io, options)))
  io.out(describeAuthorities(listed, timestampAuthority, options.json === true))
}

async function retire(io: Io, name: string, options: FolderOptions): Promise<void> {
  await attempt(async () => retireStampAuthority({ ...(await stampFolder(io, options)), name }))
  if (options.json === true) io.out(`${JSON.stringify({ name, retired: true })}\n`)
  io.err(`The authority ${name} is retired. The published trusted root gives it an end.\n`)
}
