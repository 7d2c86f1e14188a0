/** Where the trust comes from: what the option names, else a profile, else the running stack. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { quoted, withoutEnd } from '@sigstack/crypto'
import { isWithoutConnections } from '@sigstack/http-client'
import {
  parseClientTrustConfig,
  parseTrustedRoot,
  type SigningConfig,
  type TrustedRoot,
} from '@sigstack/trust-root'
import { dataFolder, readEndpoints } from './endpoints.ts'
import { CliError } from './errors.ts'
import { type Io, setting } from './io.ts'
import { isUrl, readLocation } from './location.ts'
import { type Profile, trustedRootText, trustOf } from './profiles/profile.ts'
import { currentName, readProfile } from './profiles/store.ts'
import { usable } from './usable.ts'

export type TrustOptions = {
  readonly data?: string
  /** Name of a profile. */
  readonly profile?: string
  /** File or URL of a client trust config. */
  readonly trustConfig?: string
  /** File or URL of a trusted root. */
  readonly trustedRoot?: string
  /** The trusted root itself, from where it was found. */
  readonly trustText?: string
}

/**
 * The profile that is to be taken; undefined where it is the stack on the data folder. What is named on the
 * command line comes before what a variable names, and that before the profile in use.
 */
export async function chosenProfile(
  io: Io,
  options: Pick<TrustOptions, 'data' | 'profile'>,
): Promise<Profile | undefined> {
  if (options.data !== undefined && options.profile !== undefined)
    throw new CliError('bad_usage', '--data and --profile each name an instance; give one of them')
  if (options.data !== undefined) return undefined
  const named = options.profile ?? setting(io, 'SIGSTACK_PROFILE')
  if (named !== undefined) return readProfile(io, named)
  if (setting(io, 'SIGSTACK_DATA') !== undefined) return undefined
  const name = await currentName(io)
  return name === undefined ? undefined : readProfile(io, name)
}

/** A trusted root and the text it was read from. */
export async function readTrustedRoot(
  io: Io,
  options: TrustOptions,
): Promise<{ readonly trustedRoot: TrustedRoot; readonly text: string }> {
  const { trustText } = options
  if (trustText !== undefined)
    return { trustedRoot: usable('the trusted root', () => parseTrustedRoot(trustText)), text: trustText }
  const profile = options.trustedRoot === undefined ? await chosenProfile(io, options) : undefined
  if (profile !== undefined) return { trustedRoot: trustOf(profile), text: trustedRootText(profile) }
  const location = options.trustedRoot ?? (await publishedRoot(io, dataFolder(io, options.data)))
  const text = await readLocation(location, 'trusted root')
  return { trustedRoot: usable(location, () => parseTrustedRoot(text)), text }
}

/** Of the running stack, else what it last published: to verify, nothing has to run. */
async function publishedRoot({ prefersKept }: Io, folder: string): Promise<string> {
  const kept = join(folder, 'trust', 'trusted_root.json')
  const isThere = await access(kept).then(
    () => true,
    () => false,
  )
  if (isThere && (prefersKept === true || isWithoutConnections())) return kept
  try {
    return (await readEndpoints(folder)).trust.trustedRoot
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_running' && isThere) return kept
    throw error
  }
}

export type TrustConfig = { readonly trustedRoot: TrustedRoot; readonly signingConfig: SigningConfig }

export async function readTrustConfig(io: Io, options: TrustOptions): Promise<TrustConfig> {
  const profile = options.trustConfig === undefined ? await chosenProfile(io, options) : undefined
  if (profile !== undefined) return configOfProfile(profile)
  const location =
    options.trustConfig ?? (await readEndpoints(dataFolder(io, options.data))).trust.clientTrustConfig
  const text = await readLocation(location, 'client trust config')
  return usable(location, () => parseClientTrustConfig(text))
}

/** Signed with the newest instance, and accepted by any. */
function configOfProfile(profile: Profile): TrustConfig {
  const [{ signingConfig, from }] = profile.instances
  if (signingConfig === undefined)
    throw new CliError('bad_trust', `${from} publishes no services to sign with`, {
      advice: `The profile ${profile.name} verifies; name services with --signing-config to sign.`,
    })
  return { signingConfig, trustedRoot: trustOf(profile) }
}

type TrustService = { readonly data?: string; readonly url?: string }

/** Base URL of the service that publishes the trust, as it is reached from here. */
export async function trustServiceUrl(io: Io, options: TrustService): Promise<string> {
  const { url: given } = options
  if (given !== undefined && !isUrl(given))
    throw new CliError('bad_usage', `--url ${quoted(given, 200)} is no URL of a service`, {
      advice: 'It begins with http: or https:, as the table of `sigstack up` has it for trust.',
    })
  const url = given ?? (await readEndpoints(dataFolder(io, options.data))).services['trust']
  if (url === undefined || !isUrl(url)) {
    throw new CliError('bad_endpoints', 'the stack names no service that publishes its trust', {
      advice: 'Name one with --url.',
    })
  }
  return withoutEnd(url, '/')
}

/** The same as clients elsewhere reach it: for what is told to them. */
export async function publicTrustUrl(io: Io, options: TrustService): Promise<string> {
  if (options.url !== undefined) return trustServiceUrl(io, options)
  const { public: others } = await readEndpoints(dataFolder(io, options.data))
  return trustServiceUrl(io, { ...options, ...(others?.['trust'] !== undefined && { url: others['trust'] }) })
}
