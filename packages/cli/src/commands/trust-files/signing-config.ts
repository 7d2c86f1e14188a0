import {
  encodeSigningConfig,
  parseSigningConfig,
  type Service,
  type ServiceConfiguration,
  type SigningConfig,
} from '@sigstack/trust-root'
import { type Command, Option } from 'commander'
import { collect } from '../../collect.ts'
import { CliError } from '../../errors.ts'
import { writeOutput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { readLocation } from '../../location.ts'
import { profileOption } from '../../profiles/profile-option.ts'
import { readSelection, readService } from '../../trust-files/service-words.ts'
import { readTrustConfig, type TrustOptions } from '../../trust-source.ts'
import { usable } from '../../usable.ts'

type Texts = readonly string[]
type Options = TrustOptions & {
  readonly fulcio?: Texts
  readonly rekor?: Texts
  readonly oidcProvider?: Texts
  readonly tsa?: Texts
  readonly rekorConfig?: string
  readonly tsaConfig?: string
  readonly baseConfig?: string
  readonly withDefaultServices?: boolean
  readonly withDefaultRekorV2?: boolean
  readonly defaultFulcio?: boolean
  readonly defaultRekor?: boolean
  readonly defaultOidc?: boolean
  readonly defaultTsa?: boolean
  readonly out?: string
}

const words = 'url=, api-version=, start-time=, operator=; may have end-time='

export function addSigningConfig(program: Command, io: Io): void {
  program
    .command('signing-config')
    .summary('make a signing config by hand')
    .description('Makes signing configs: which services to sign with.')
    .command('create')
    .summary('make a signing config out of the URLs of services')
    .description(
      'Writes a signing config for the services that you name, each as NAME=VALUE with commas between and no blanks. Every option for a service may be repeated; it comes in place of what the base has.',
    )
    .option('--fulcio <words>', words, collect)
    .option('--rekor <words>', words, collect)
    .option('--rekor-config <selector>', 'to how many logs to write: ANY, ALL or EXACT:COUNT')
    .option('--oidc-provider <words>', words, collect)
    .option('--tsa <words>', words, collect)
    .option('--tsa-config <selector>', 'how many timestamps to take: ANY, ALL or EXACT:COUNT')
    .option('--base-config <file>', 'the signing config to begin with')
    .option('--with-default-services', 'begin with that of the profile in use, or of the running stack')
    .option('--no-default-fulcio', 'but leave out its certificate authorities')
    .option('--no-default-rekor', 'but leave out its transparency logs')
    .option('--no-default-oidc', 'but leave out its issuers of tokens')
    .option('--no-default-tsa', 'but leave out its timestamp authorities')
    .option('--out <file>', 'write it there (default: standard output)')
    .option(...profileOption)
    .addOption(new Option('--with-default-rekor-v2').hideHelp())
    .action((options: Options) => create(io, options))
}

const nothing: SigningConfig = { caUrls: [], oidcUrls: [], rekorTlogUrls: [], tsaUrls: [] }

async function create(io: Io, options: Options): Promise<void> {
  const base = await baseOf(io, options)
  const services = async (
    kind: string,
    texts: Texts | undefined,
    before: readonly Service[],
    isKept: boolean | undefined,
  ): Promise<readonly Service[]> => {
    if (texts === undefined) return isKept === false ? [] : before
    return Promise.all(texts.map((text) => readService(kind, text)))
  }
  const [rekorTlogUrls, tsaUrls] = [
    await services('rekor', options.rekor, base.rekorTlogUrls, options.defaultRekor),
    await services('tsa', options.tsa, base.tsaUrls, options.defaultTsa),
  ]
  const text = encodeSigningConfig({
    caUrls: await services('fulcio', options.fulcio, base.caUrls, options.defaultFulcio),
    oidcUrls: await services('oidc-provider', options.oidcProvider, base.oidcUrls, options.defaultOidc),
    rekorTlogUrls,
    tsaUrls,
    ...selection('rekor', rekorTlogUrls, options.rekorConfig, base.rekorTlogConfig, options.rekor),
    ...selection('tsa', tsaUrls, options.tsaConfig, base.tsaConfig, options.tsa),
  })
  usable('the signing config', () => parseSigningConfig(text))
  await writeOutput(io, options.out ?? '-', text)
}

async function baseOf(io: Io, options: Options): Promise<SigningConfig> {
  const { baseConfig, withDefaultServices, withDefaultRekorV2, profile } = options
  if (withDefaultRekorV2 === true)
    throw new CliError('bad_usage', '--with-default-rekor-v2 means a file of the public instance alone', {
      advice: '--with-default-services begins with what your own instance publishes.',
    })
  if (baseConfig !== undefined && withDefaultServices === true)
    throw new CliError('bad_usage', '--base-config and --with-default-services each name a base; give one')
  if (baseConfig !== undefined) {
    const text = await readLocation(baseConfig, 'signing config')
    return usable(baseConfig, () => parseSigningConfig(text))
  }
  if (withDefaultServices !== true) return nothing
  return (await readTrustConfig(io, { ...(profile && { profile }) })).signingConfig
}

/** None where there is nothing to select: some readers refuse one without services. */
function selection(
  kind: 'rekor' | 'tsa',
  services: readonly Service[],
  given: string | undefined,
  before: ServiceConfiguration | undefined,
  named: Texts | undefined,
): Partial<Record<'rekorTlogConfig' | 'tsaConfig', ServiceConfiguration>> {
  if (named !== undefined && given === undefined)
    throw new CliError('bad_usage', `--${kind}-config must be provided when --${kind} is specified`)
  const chosen = given === undefined ? before : readSelection(`${kind}-config`, given)
  if (services.length === 0 || chosen === undefined) return {}
  return kind === 'rekor' ? { rekorTlogConfig: chosen } : { tsaConfig: chosen }
}
