import { withoutEnd } from '@sigstack/crypto'
import { type Command, Option } from 'commander'
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'
import { isUrl, readBytes } from '../../location.ts'
import { demandChecksum, fetchByTuf, readerOf } from '../../profiles/fetch-instance.ts'
import { demandPlace, keepInstance } from '../../profiles/keep-instance.ts'

type Options = {
  readonly mirror?: string
  readonly root?: string
  readonly rootChecksum?: string
  readonly staging?: boolean
  readonly profile?: string
  readonly json?: boolean
}

export function addInitialize(program: Command, io: Io): void {
  program
    .command('initialize')
    .summary('trust the TUF repository of an instance, as cosign does')
    .description(
      'Reads the TUF repository of an instance, beginning with a root that you name, and keeps what it vouches for as a profile, in place of what was there. Asks nothing, as in cosign; init shows the keys first.',
    )
    .option('--mirror <url>', 'the TUF repository: http, https, or file:// for a copy')
    .option('--root <location>', 'file or URL of the root that is trusted')
    .option('--root-checksum <digest>', 'its SHA-256, or sha512:HEX; needed for a URL')
    .option('--profile <name>', 'keep it under this name (default: default)')
    .option('--json', 'tell the profile as JSON on standard output')
    .addOption(new Option('--staging').hideHelp())
    .action((options: Options) => initialize(io, options))
}

async function initialize(io: Io, options: Options): Promise<void> {
  const { mirror, root, rootChecksum } = options
  if (mirror === undefined || options.staging === true)
    throw new CliError('bad_usage', 'no TUF repository is named with --mirror', {
      advice: "The public instances are nobody's default here; name one if you want it.",
    })
  const fetching = { now: new Date() }
  const location = root ?? (rootChecksum === undefined ? undefined : `${withoutEnd(mirror, '/')}/root.json`)
  if (location === undefined)
    throw new CliError('bad_usage', '--root names no root to begin with', {
      advice: 'Its operators have it: `sigstack trust root` prints the line with its digest.',
    })
  if (isUrl(location) && rootChecksum === undefined)
    throw new CliError('bad_usage', 'a root that is got from a URL needs --root-checksum')
  const trusted =
    root === undefined
      ? await readerOf(mirror, fetching)('root.json', 512_000)
      : await readBytes(root, 'root')
  if (trusted === undefined) throw new CliError('unreachable', `${location} is not there (404)`)
  if (rootChecksum !== undefined) demandChecksum(trusted, rootChecksum, location)
  const keeping = { ...options, replace: true, isAgreed: true, isQuiet: true }
  const there = await demandPlace(io, mirror, keeping)
  await keepInstance(io, await fetchByTuf(mirror, { mirror, root: trusted }, fetching), there, keeping)
}
