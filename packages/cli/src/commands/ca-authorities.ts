/** The authorities of the CA: asking another CA, installing its answer, rotation, retirement. */
import { installChain, listAuthorities, requestCertificate, retireAuthority } from '@sigstack/ca-authority'
import type { Command } from 'commander'
import { readTextInput, writeOutput } from '../files.ts'
import { type Io, setting } from '../io.ts'
import { describeAuthorities } from '../presentation/describe-authorities.ts'
import { certificateAuthority } from './authority-kind.ts'
import { type RotateOptions, rotate } from './authority-rotate.ts'
import { attempt, ceremonyFolder, type FolderOptions } from './ca-folder.ts'

export const dataOption = [
  '--data <folder>',
  'data folder of the stack (default: SIGSTACK_DATA, else ./.sigstack)',
] as const
const caDataOption = [
  '--ca-data <folder>',
  'data folder of a CA that runs on its own (default: CA_DATA, else that of the stack)',
] as const
export const keyOption = [
  '--key <uri>',
  'a key kept elsewhere: pkcs11:, awskms:, gcpkms:, azurekms:, hashivault:, or file:/path of an unencrypted one',
] as const
export const jsonOption = ['--json', 'tell the result as JSON'] as const

export function addCaAuthorities(ca: Command, io: Io): void {
  ca.command('chains')
    .summary('list the authorities of the CA')
    .description(
      'Lists the authorities of the CA: which one is current, which are former, prepared, waiting or retired.',
    )
    .option(...dataOption)
    .option(...caDataOption)
    .option(...jsonOption)
    .action((options: FolderOptions) => listChains(io, options))
  ca.command('csr')
    .summary('ask another CA for the certificate of this one')
    .description(
      'Makes a key, or takes the one that --key names, and prints a certificate signing request for an intermediate. Give it to your CA, and what comes back to `sigstack ca install`.',
    )
    .option(...keyOption)
    .option('--common-name <name>', 'name of the intermediate', 'sigstack intermediate')
    .option('--organization <name>', 'organization in its name (default: CA_ORGANIZATION, else sigstack)')
    .option('--out <file>', 'where the request goes', '-')
    .option(...dataOption)
    .option(...caDataOption)
    .option(...jsonOption)
    .action((options: CsrOptions) => requestCsr(io, options))
  ca.command('install')
    .summary('install the chain that another CA gave')
    .description(
      'Checks the chain (issuing certificate first, self-signed root last) and puts it to the key that it is for. The first one of a CA issues at once; later ones are published, and issue after `sigstack ca rotate`.',
    )
    .argument('<chain>', 'PEM file, - for standard input')
    .option(...dataOption)
    .option(...caDataOption)
    .option(...jsonOption)
    .action((file: string, options: FolderOptions) => install(io, file, options))
  ca.command('rotate')
    .summary('let another authority issue, without downtime')
    .description(
      'Makes another intermediate below the root (or takes the one that was installed), waits until the published trusted root lists it, and lets it issue. Certificates of the one before still verify.',
    )
    .option('--prepare', 'only make and publish it; clients learn of it in the meantime')
    .option('--commit <name>', 'let this prepared one issue')
    .option(...keyOption)
    .option('--trusted-root <location>', 'file or URL of the published trusted root (default: of the stack)')
    .option('--ca-url <url>', 'where the CA answers (default: of the running stack)')
    .option('--timeout <seconds>', 'how long publication may take', '180')
    .option(...dataOption)
    .option(...caDataOption)
    .option(...jsonOption)
    .action(({ caUrl, ...options }: RotateOptions & { readonly caUrl?: string }) =>
      rotate(certificateAuthority, io, { ...options, ...(caUrl !== undefined && { url: caUrl }) }),
    )
  ca.command('retire')
    .summary('publish an authority no more')
    .description(
      'Gives it an end in the published trusted root; what it issued before can still be verified. The one that issues cannot be retired.',
    )
    .argument('<name>', 'as `sigstack ca chains` lists it')
    .option(...dataOption)
    .option(...caDataOption)
    .option(...jsonOption)
    .action((name: string, options: FolderOptions) => retire(io, name, options))
}

async function listChains(io: Io, options: FolderOptions): Promise<void> {
  const listed = await attempt(async () => listAuthorities(await ceremonyFolder(io, options)))
  io.out(describeAuthorities(listed, certificateAuthority, options.json === true))
}

type CsrOptions = FolderOptions & {
  readonly key?: string
  readonly commonName: string
  readonly organization?: string
  readonly out: string
}

async function requestCsr(io: Io, options: CsrOptions): Promise<void> {
  const { key, commonName, out } = options
  const { name, pem } = await attempt(async () =>
    requestCertificate({
      ...(await ceremonyFolder(io, options)),
      ...(key !== undefined && { keyUri: key }),
      commonName,
      organization: options.organization ?? setting(io, 'CA_ORGANIZATION') ?? 'sigstack',
      now: new Date(),
    }),
  )
  if (options.json === true) io.out(`${JSON.stringify({ name, request: pem })}\n`)
  // With --json the request is on standard output already.
  if (options.json !== true || out !== '-') await writeOutput(io, out, pem)
  io.err(
    `The authority ${name} waits for its chain. Have the request signed as a CA with path length 0 and\n`,
  )
  io.err('extended key usage code signing, then: sigstack ca install CHAIN.pem\n')
}

async function install(io: Io, file: string, options: FolderOptions): Promise<void> {
  const chainPem = await readTextInput(io, file, 'certificate chain')
  // A CA with a pair of its own in its environment issues already, whatever is in the folder.
  const issuesAlready = setting(io, 'CA_KEY') !== undefined
  const installed = await attempt(async () =>
    installChain({ ...(await ceremonyFolder(io, options)), chainPem, issuesAlready, now: new Date() }),
  )
  if (options.json === true) io.out(`${JSON.stringify(installed)}\n`)
  io.err(
    installed.issues
      ? `The authority ${installed.name} is installed and issues.\n`
      : `The authority ${installed.name} is installed and published. Let it issue with: sigstack ca rotate --commit ${installed.name}\n`,
  )
}

async function retire(io: Io, name: string, options: FolderOptions): Promise<void> {
  await attempt(async () => retireAuthority({ ...(await ceremonyFolder(io, options)), name }))
  if (options.json === true) io.out(`${JSON.stringify({ name, retired: true })}\n`)
  io.err(`The authority ${name} is retired. The published trusted root gives it an end.\n`)
}
