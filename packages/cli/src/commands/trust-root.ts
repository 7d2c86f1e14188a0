import { sha256Hex } from '@sigstack/crypto'
import { isSignedFor, parseMetadata, TufError } from '@sigstack/tuf'
import type { Command } from 'commander'
import { CliError } from '../errors.ts'
import { writeOutput } from '../files.ts'
import type { Io } from '../io.ts'
import { readBytes } from '../location.ts'
import { publicTrustUrl, trustServiceUrl } from '../trust-source.ts'
import { usable } from '../usable.ts'

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
  // Who runs the stack may be where its public name does not lead to it.
  const inside = `${await trustServiceUrl(io, options)}/tuf/root.json`
  const bytes = await readBytes(inside, 'root of the TUF repository')
  const { version, expires } = usable(inside, () => parseRoot(bytes))
  const mirror = `${await publicTrustUrl(io, options)}/tuf`
  const url = `${mirror}/root.json`
  const sha256 = sha256Hex(bytes)
  if (options.out !== undefined) await writeOutput(io, options.out, bytes)
  if (options.out === '-') return
  io.out(
    options.json === true
      ? `${JSON.stringify({ version, expires, sha256, url, mirror })}\n`
      : `Root ${version} of ${mirror}, valid until ${expires}\nSHA-256 ${sha256}\n\n` +
          `cosign initialize --mirror ${mirror} --root ${url} --root-checksum sha256:${sha256}\n`,
  )
}

function parseRoot(bytes: Uint8Array) {
  const root = parseMetadata('root', bytes)
  if (!isSignedFor(root, 'root', root)) throw new TufError('damaged', 'its own keys have not signed it')
  return root.signed
}
