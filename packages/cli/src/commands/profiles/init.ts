import { resolve } from 'node:path'
import { withoutEnd } from '@sigstack/crypto'
import type { TlsSettings } from '@sigstack/http-client'
import { type Command, Option } from 'commander'
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'
import { isUrl, readBytes, readLocation } from '../../location.ts'
import { demandChecksum, fetchByTuf, fetchTrustConfig, readerOf } from '../../profiles/fetch-instance.ts'
import { demandPlace, type KeepOptions, keepInstance } from '../../profiles/keep-instance.ts'
import type { Instance } from '../../profiles/profile.ts'

type Options = KeepOptions & {
  readonly root?: string
  readonly rootChecksum?: string
  readonly cacert?: string
}

export function addInit(program: Command, io: Io): void {
  program
    .command('init')
    .summary('trust an instance, and keep it as a profile')
    .description(
      'Fetches the trust that an instance publishes, shows its keys, asks whether to trust them, and keeps them as a profile, with which every command then signs and verifies. Nothing is fetched from anywhere else.',
    )
    .argument('<location>', 'https URL of the service that publishes the trust, or a client trust config')
    .option('--profile <name>', 'keep it under this name (default: default)')
    .option('--merge', 'trust it beside what the profile trusts already, and sign with it')
    .option('--replace', 'trust it in place of what the profile trusts')
    .option('--root <file>', 'read its TUF repository, beginning with this root')
    .option('--root-checksum <digest>', 'read its TUF repository, beginning with the root of this digest')
    .option('--cacert <file>', 'certificates of your own CA for its TLS, in PEM')
    .option('-y, --yes', 'ask nothing: the keys were compared')
    .addOption(new Option('--json', 'tell the profile as JSON on standard output'))
    .action((location: string, options: Options) => init(io, location, options))
}

async function init(io: Io, given: string, options: Options): Promise<void> {
  // A file is found again from another folder.
  const location = isUrl(given) ? given : resolve(given)
  const there = await demandPlace(io, location, options)
  const instance = await fetchInstance(location, options)
  // A root that somebody named is the agreement.
  const isAgreed = options.root !== undefined || options.rootChecksum !== undefined
  await keepInstance(io, instance, there, { ...options, isAgreed })
}

async function fetchInstance(location: string, options: Options): Promise<Instance> {
  const { root, rootChecksum, cacert } = options
  const ca = cacert === undefined ? undefined : await readLocation(cacert, 'certificates')
  const tls: TlsSettings | undefined = ca === undefined ? undefined : { ca }
  const fetching = { now: new Date(), tls }
  if (root === undefined && rootChecksum === undefined) return fetchTrustConfig(location, fetching)
  if (!isUrl(location))
    throw new CliError('bad_usage', '--root and --root-checksum are for a TUF repository; name its URL')
  // The repository itself, or the service that has it beside the rest.
  for (const mirror of [`${withoutEnd(location, '/')}/tuf`, withoutEnd(location, '/')]) {
    const published = await readerOf(mirror, fetching)('root.json', 512_000)
    if (published === undefined) continue
    const trusted = root === undefined ? published : await readBytes(root, 'root')
    if (rootChecksum !== undefined) demandChecksum(trusted, rootChecksum, root ?? `${mirror}/root.json`)
    return fetchByTuf(location, { mirror, root: trusted }, fetching)
  }
  throw new CliError('unreachable', `${location} is no TUF repository and has none: there is no root.json`)
}
