import { sha256Hex, utf8 } from '@sigstack/crypto'
import { isSignedFor, parseMetadata, TufError } from '@sigstack/tuf'
import type { Command } from 'commander'
import { CliError } from '../errors.ts'
import { type Io, writeOutput } from '../io.ts'
import { readLocation } from '../location.ts'
import { trustServiceUrl, usable } from '../trust-source.ts'

type Options = {
  readonly data?: string
  readonly url?: string
  readonly out?: string
  readonly json?: boolean
}

/** `trust` is the command that this one is put under; the options are those of its neighbours. */
export function addTrustRoot(
  trust: Command,
  io: Io,
  options: { readonly url: readonly [string, string]; readonly data: readonly [string, string] },
): void {
  trust
    .command('root')
    .summary('the root of the TUF repository, and its digest')
    .description(
      'Tells which root the TUF repository has, until when, and its digest: users compare it before they believe in the repository.',
    )
    .option('--out <file>', 'write the root there; - is standard output')
    .option(...options.url)
    .option(...options.data)
    .option('--json', 'version, expiry, digest and URLs as JSON')
    .action((given: Options) => tellRoot(io, given))
}

async function tellRoot(io: Io, options: Options): Promise<void> {
  if (options.out === '-' && options.json === true)
    throw new CliError('bad_usage', '--json and --out - would both write to standard output; choose one')
  const mirror = `${await trustServiceUrl(io, options)}/tuf`
  const url = `${mirror}/root.json`
  const text = await readLocation(url, 'root of the TUF repository')
  const { version, expires } = usable(url, () => parseRoot(text))
  const sha256 = sha256Hex(text)
  if (options.out !== undefined) await writeOutput(io, options.out, text)
  if (options.out === '-') return
  io.out(
    options.json === true
      ? `${JSON.stringify({ version, expires, sha256, url, mirror })}\n`
      : `Root ${version} of ${mirror}, valid until ${expires}\nSHA-256 ${sha256}\n\n` +
          `cosign initialize --mirror ${mirror} --root ${url} --root-checksum sha256:${sha256}\n`,
  )
}

function parseRoot(text: string) {
  const root = parseMetadata('root', utf8(text))
  if (!isSignedFor(root, 'root', root)) throw new TufError('damaged', 'its own keys have not signed it')
  return root.signed
}
