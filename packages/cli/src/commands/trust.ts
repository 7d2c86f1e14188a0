import { join } from 'node:path'
import { parsePemBlocks } from '@sigstack/crypto'
import { makeFolder } from '@sigstack/server/files'
import { parseClientTrustConfig, parseSigningConfig, parseTrustedRoot } from '@sigstack/trust-root'
import { Argument, type Command, InvalidArgumentError } from 'commander'
import { CliError } from '../errors.ts'
import { writeOutput } from '../files.ts'
import { codeOf, type Io, textOf } from '../io.ts'
import { isUrl, readBytes } from '../location.ts'
import { describeTrust } from '../presentation/describe-trust.ts'
import { profileOption } from '../profiles/profile-option.ts'
import { readTrustedRoot, type TrustOptions, trustServiceUrl } from '../trust-source.ts'
import { usable } from '../usable.ts'
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
    .summary('show, fetch and export the trust that the stack publishes')
    .description('Shows, fetches and exports the trust that the stack publishes.')
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
    .summary('say in words what is trusted')
    .description('Says in words what is trusted, and until when.')
    .option(
      '--trusted-root <location>',
      'file or URL of the trusted root (default: of the profile in use, else of the running stack)',
    )
    .option(...profileOption)
    .option(...dataOption)
    .option('--json', 'the trusted root itself')
    .action((options: TrustOptions & { json?: boolean }) => showTrust(io, options))
  trust
    .command('fetch')
    .summary('print a published file')
    .description('Prints one published file on standard output.')
    .addArgument(
      new Argument('[file]', 'which one; its name there, or its URL, does as well')
        .choices(names)
        .argParser(placeOf)
        .default(placeOf('trusted-root'), 'trusted-root'),
    )
    .option(...urlOption)
    .option(...dataOption)
    .action(async ({ name, url }: Place, options: Source) => {
      const service = await trustServiceUrl(io, { ...options, ...(url !== undefined && { url }) })
      io.file(await fetchPublished(service, name))
    })
  addTrustRoot(trust, io, { url: urlOption, data: dataOption })
  trust
    .command('export')
    .summary('write all published files into a folder')
    .description('Writes every published file into a folder, for clients that take files.')
    .requiredOption('--out <folder>', 'the folder; made where it is missing')
    .option(...urlOption)
    .option(...dataOption)
    .option('--json', 'tell the paths as JSON on standard output')
    .action((options: Source & { out: string; json?: boolean }) => exportTrust(io, options))
}

async function showTrust(io: Io, options: TrustOptions & { readonly json?: boolean }): Promise<void> {
  const { trustedRoot, text } = await readTrustedRoot(io, options)
  io.out(options.json === true ? text : describeTrust(trustedRoot))
}

type Place = { readonly name: Name; readonly url?: string }

/** `trusted-root`, `trusted_root.json`, or a URL that ends so. */
function placeOf(file: string): Place {
  for (const name of names) {
    const { path } = published[name]
    if (file === name || file === path) return { name }
    if (isUrl(file) && file.endsWith(`/${path}`)) return { name, url: file.slice(0, -path.length - 1) }
  }
  const there = names.map((name) => `${name} (${published[name].path})`).join(', ')
  throw new InvalidArgumentError(
    `The trust service publishes ${there}; what is a file here already needs no fetching.`,
  )
}

/** The file as it was published, once it is known to be one. */
async function fetchPublished(service: string, name: Name): Promise<Uint8Array> {
  const url = `${service}/${published[name].path}`
  const what = name.replace('-', ' ')
  const bytes = await readBytes(url, what)
  const text = textOf(bytes, url, what)
  usable(url, () => published[name].check(text))
  return bytes
}

async function exportTrust(
  io: Io,
  options: Source & { readonly out: string; readonly json?: boolean },
): Promise<void> {
  const service = await trustServiceUrl(io, options)
  // All of them before the first is written, so that a folder never holds half an export.
  const files = await Promise.all(
    names.map(async (name) => ({
      name,
      path: join(options.out, published[name].path),
      bytes: await fetchPublished(service, name),
    })),
  )
  try {
    await makeFolder(join(options.out, 'keys'))
  } catch (cause) {
    throw new CliError('unwritable', `cannot make the folder ${options.out} (${codeOf(cause)})`, { cause })
  }
  for (const { path, bytes } of files) await writeOutput(io, path, bytes)
  if (options.json === true) {
    io.out(`${JSON.stringify(Object.fromEntries(files.map(({ name, path }) => [name, path])))}\n`)
  } else {
    for (const { path } of files) io.err(`Wrote ${path}\n`)
  }
}
