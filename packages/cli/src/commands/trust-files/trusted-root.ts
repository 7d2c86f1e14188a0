import {
  type CertificateAuthority,
  encodeTrustedRoot,
  parseTrustedRoot,
  type TrustedRoot,
} from '@sigstack/trust-root'
import { type Command, Option } from 'commander'
import { collect } from '../../collect.ts'
import { CliError } from '../../errors.ts'
import { writeOutput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { profileOption } from '../../profiles/profile-option.ts'
import { readAuthority, readLog } from '../../trust-files/service-words.ts'
import { readTrustedRoot, type TrustOptions } from '../../trust-source.ts'
import { usable } from '../../usable.ts'
import { trustsNobody } from '../../verifying/verifying-options.ts'

type Texts = readonly string[]
type Options = TrustOptions & {
  readonly fulcio?: Texts
  readonly rekor?: Texts
  readonly ctfe?: Texts
  readonly tsa?: Texts
  readonly withDefaultServices?: boolean
  readonly defaultFulcio?: boolean
  readonly defaultRekor?: boolean
  readonly defaultCtfe?: boolean
  readonly defaultTsa?: boolean
  readonly out?: string
  // Of cosign before 3.
  readonly certificateChain?: Texts
  readonly fulcioUri?: Texts
  readonly rekorKey?: Texts
  readonly rekorUrl?: Texts
  readonly rekorStartTime?: Texts
  readonly rekorEndTime?: Texts
  readonly ctfeKey?: Texts
  readonly ctfeUrl?: Texts
  readonly ctfeStartTime?: Texts
  readonly ctfeEndTime?: Texts
  readonly timestampCertificateChain?: Texts
  readonly timestampUri?: Texts
}

const former = [
  'certificate-chain',
  'fulcio-uri',
  ...['rekor', 'ctfe'].flatMap((log) =>
    ['key', 'url', 'start-time', 'end-time'].map((part) => `${log}-${part}`),
  ),
  'timestamp-certificate-chain',
  'timestamp-uri',
]

export function addTrustedRoot(program: Command, io: Io): void {
  const command = program
    .command('trusted-root')
    .summary('make a trusted root by hand')
    .description('Makes trusted roots out of certificates and public keys.')
    .command('create')
    .summary('make a trusted root out of certificates and keys')
    .description(
      'Writes a trusted root for the services that you name, each as NAME=VALUE with commas between and no blanks. Every option may be repeated, one for each generation of a key.',
    )
    .option('--fulcio <words>', 'url=, certificate-chain=FILE; may have start-time= and end-time=', collect)
    .option('--rekor <words>', 'url=, public-key=FILE, start-time=; may have end-time= and origin=', collect)
    .option('--ctfe <words>', 'url=, public-key=FILE, start-time=; may have end-time= and origin=', collect)
    .option('--tsa <words>', 'url=, certificate-chain=FILE; may have start-time= and end-time=', collect)
    .option('--with-default-services', 'begin with what the profile in use, or the running stack, trusts')
    .option('--no-default-fulcio', 'but leave out its certificate authorities')
    .option('--no-default-rekor', 'but leave out its transparency logs')
    .option('--no-default-ctfe', 'but leave out its certificate logs')
    .option('--no-default-tsa', 'but leave out its timestamp authorities')
    .option('--out <file>', 'write it there (default: standard output)')
    .option(...profileOption)
  for (const name of former) command.addOption(new Option(`--${name} <value>`).argParser(collect).hideHelp())
  command.action((options: Options) => create(io, options))
}

async function create(io: Io, options: Options): Promise<void> {
  const words = wordsOf(options)
  const base = await baseOf(io, options)
  const each = <Item>(texts: Texts, read: (text: string) => Promise<Item>): Promise<readonly Item[]> =>
    Promise.all(texts.map(read))
  // The oldest first, as everybody publishes them.
  const made: TrustedRoot = {
    tlogs: oldestFirst([...base.tlogs, ...(await each(words.rekor, (text) => readLog('rekor', text)))]),
    certificateAuthorities: oldestFirst([
      ...base.certificateAuthorities,
      ...(await each(words.fulcio, (text) => readAuthority('fulcio', text))),
    ]),
    ctlogs: oldestFirst([...base.ctlogs, ...(await each(words.ctfe, (text) => readLog('ctfe', text)))]),
    timestampAuthorities: oldestFirst([
      ...base.timestampAuthorities,
      ...(await each(words.tsa, (text) => readAuthority('tsa', text))),
    ]),
  }
  demandDistinct(made.tlogs, '--rekor')
  demandDistinct(made.ctlogs, '--ctfe')
  const text = encodeTrustedRoot(made)
  // Nothing is written that no client would read.
  usable('the trusted root', () => parseTrustedRoot(text))
  await writeOutput(io, options.out ?? '-', text)
}

function oldestFirst<Item extends { readonly validFor: { readonly start?: Date } }>(items: Item[]): Item[] {
  const startOf = ({ validFor }: Item): number => validFor.start?.getTime() ?? 0
  return items.toSorted((one, other) => startOf(one) - startOf(other))
}

async function baseOf(io: Io, options: Options): Promise<TrustedRoot> {
  if (options.withDefaultServices !== true) return trustsNobody
  const { trustedRoot } = await readTrustedRoot(io, { ...(options.profile && { profile: options.profile }) })
  const unless = <Item>(isWanted: boolean | undefined, items: readonly Item[]): readonly Item[] =>
    isWanted === false ? [] : items
  return {
    tlogs: unless(options.defaultRekor, trustedRoot.tlogs),
    certificateAuthorities: unless<CertificateAuthority>(
      options.defaultFulcio,
      trustedRoot.certificateAuthorities,
    ),
    ctlogs: unless(options.defaultCtfe, trustedRoot.ctlogs),
    timestampAuthorities: unless<CertificateAuthority>(options.defaultTsa, trustedRoot.timestampAuthorities),
  }
}

/** Readers find a log by its ID: of two with one ID, one would be lost. */
function demandDistinct(logs: TrustedRoot['tlogs'], option: string): void {
  const ids = logs.map(({ logId }) => Buffer.from(logId).toString('hex'))
  const twice = ids.find((id, at) => ids.indexOf(id) !== at)
  if (twice !== undefined) throw new CliError('bad_usage', `${option} names the log ${twice} twice`)
}

/** What the options of before say, in the words of today. */
function wordsOf(options: Options): Readonly<Record<'fulcio' | 'rekor' | 'ctfe' | 'tsa', Texts>> {
  const authority = (
    now: Texts | undefined,
    chains: Texts | undefined,
    uris: Texts | undefined,
    name: string,
  ) => {
    if (now !== undefined && (chains ?? uris) !== undefined)
      throw new CliError('bad_usage', `cannot use --${name} and old ${name} flags at the same time`)
    return now ?? (chains ?? []).map((chain, at) => `url=${uris?.[at] ?? ''},certificate-chain=${chain}`)
  }
  const log = (name: 'rekor' | 'ctfe'): Texts => {
    const old = {
      key: options[`${name}Key`],
      url: options[`${name}Url`],
      start: options[`${name}StartTime`],
      end: options[`${name}EndTime`],
    }
    const now = options[name]
    if (now !== undefined && Object.values(old).some(Boolean))
      throw new CliError('bad_usage', `cannot use --${name} and old ${name} flags at the same time`)
    return (
      now ??
      (old.key ?? []).map((key, at) => {
        const [file = '', origin] = key.split(',', 2)
        const start = old.start?.[at] ?? '1970-01-01T00:00:00Z'
        const words = [`url=${old.url?.[at] ?? ''}`, `public-key=${file}`, `start-time=${start}`]
        if (old.end?.[at] !== undefined) words.push(`end-time=${old.end[at]}`)
        if (origin !== undefined) words.push(`origin=${origin}`)
        return words.join(',')
      })
    )
  }
  return {
    fulcio: authority(options.fulcio, options.certificateChain, options.fulcioUri, 'fulcio'),
    rekor: log('rekor'),
    ctfe: log('ctfe'),
    tsa: authority(options.tsa, options.timestampCertificateChain, options.timestampUri, 'tsa'),
  }
}
