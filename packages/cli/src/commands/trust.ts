import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parsePemBlocks } from '@sigstack/crypto'
import { parseClientTrustConfig, parseSigningConfig, parseTrustedRoot } from '@sigstack/trust-root'
import { Argument, type Command } from 'commander'
import { CliError } from '../errors.ts'
import { codeOf, type Io, writeOutput } from '../io.ts'
import { readLocation } from '../location.ts'
import { describeTrust } from '../presentation/describe-trust.ts'
import { readTrustedRoot, trustServiceUrl, usable } from '../trust-source.ts'
import { addTrustRoot } from './trust-root.ts'

type Source = { readonly data?: string; readonly url?: string }

/** What the trust service publishes; each is parsed before it is handed on. */
const published = {
  'trusted-root': { path: 'trusted_root.json', check: parseTrustedRoot },
  'signing-config': { path: 'signing_config.v0.2.json', check: parseSigningConfig },
  'trust-config': { path: 'trust_config.json', check: parseClientTrustConfig },
  'rekor-key': { path: 'keys/rekor.pub', check: parsePemBlocks },
  'ct-key': { path: 'keys/ctfe.pub', check: parsePemBlocks },
  'ca-certificates': { path: 'keys/fulcio.crt.pem', check: parsePemBlocks },
} as const satisfies Record<string, { path: string; check: (text: string) => unknown }>

type Name = keyof typeof published
const names = Object.keys(published) as Name[]

export function addTrust(program: Command, io: Io): void {
  const trust = program
    .command('trust')
    .description('The trust that the stack publishes: show it, fetch it, export it.')
  const dataOption = [
    '--data <folder>',
    'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)',
  ] as const
  const urlOption = [
    '--url <url>',
    'the service that publishes the trust (default: of the running stack)',
  ] as const
  trust
    .command('show')
    .description('Says in words what is trusted, and until when.')
    .option('--trusted-root <location>', 'file or URL of the trusted root (default: of the running stack)')
    .option(...dataOption)
    .option('--json', 'the trusted root itself')
    .action((options: { data?: string; trustedRoot?: string; json?: boolean }) => showTrust(io, options))
  trust
    .command('fetch')
    .description('Prints one published file on standard output.')
    .addArgument(new Argument('[file]', 'which one').choices(names).default('trusted-root'))
    .option(...urlOption)
    .option(...dataOption)
    .action(async (name: Name, options: Source) => {
      io.out(await fetchPublished(await trustServiceUrl(io, options), name))
    })
  addTrustRoot(trust, io, { url: urlOption, data: dataOption })
  trust
    .command('export')
    .description('Writes every published file into a folder, for clients that take files.')
    .requiredOption('--out <folder>', 'the folder; made where it is missing')
    .option(...urlOption)
    .option(...dataOption)
    .option('--json', 'tell the paths as JSON on standard output')
    .action((options: Source & { out: string; json?: boolean }) => exportTrust(io, options))
}

export async function showTrust(
  io: Io,
  options: { readonly data?: string; readonly trustedRoot?: string; readonly json?: boolean },
): Promise<void> {
  const text = await readTrustedRoot(io, options)
  io.out(options.json === true ? text : describeTrust(parseTrustedRoot(text)))
}

async function fetchPublished(service: string, name: Name): Promise<string> {
  const url = `${service}/${published[name].path}`
  const text = await readLocation(url, name.replace('-', ' '))
  usable(url, () => published[name].check(text))
  return text
}

export async function exportTrust(
  io: Io,
  options: Source & { readonly out: string; readonly json?: boolean },
): Promise<void> {
  const service = await trustServiceUrl(io, options)
  // All of them before the first is written, so that a folder never holds half an export.
  const files = await Promise.all(
    names.map(async (name) => ({
      name,
      path: join(options.out, published[name].path),
      text: await fetchPublished(service, name),
    })),
  )
  try {
    await mkdir(join(options.out, 'keys'), { recursive: true })
  } catch (cause) {
    throw new CliError('unwritable', `cannot make the folder ${options.out} (${codeOf(cause)})`, { cause })
  }
  for (const { path, text } of files) await writeOutput(io, path, text)
  if (options.json === true) {
    io.out(`${JSON.stringify(Object.fromEntries(files.map(({ name, path }) => [name, path])))}\n`)
  } else {
    for (const { path } of files) io.err(`Wrote ${path}\n`)
  }
}
