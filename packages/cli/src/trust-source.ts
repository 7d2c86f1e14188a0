/** Where the trust comes from: what the option names, else the running stack. */
import { type ClientTrustConfig, parseClientTrustConfig, parseTrustedRoot } from '@sigstack/trust-root'
import { dataFolder, readEndpoints } from './endpoints.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { isUrl, readLocation } from './location.ts'

export type TrustOptions = {
  readonly data?: string
  /** File or URL of a client trust config. */
  readonly trustConfig?: string
  /** File or URL of a trusted root. */
  readonly trustedRoot?: string
}

/** The text of a trusted root, known to parse. */
export async function readTrustedRoot(io: Io, options: TrustOptions): Promise<string> {
  const location =
    options.trustedRoot ?? (await readEndpoints(dataFolder(io, options.data))).trust.trustedRoot
  const text = await readLocation(location, 'trusted root')
  usable(location, () => parseTrustedRoot(text))
  return text
}

export async function readTrustConfig(
  io: Io,
  options: TrustOptions,
): Promise<{ readonly config: ClientTrustConfig; readonly trustedRoot: string }> {
  const location =
    options.trustConfig ?? (await readEndpoints(dataFolder(io, options.data))).trust.clientTrustConfig
  const text = await readLocation(location, 'client trust config')
  const config = usable(location, () => parseClientTrustConfig(text))
  const whole: unknown = JSON.parse(text)
  return { config, trustedRoot: JSON.stringify(trustedRootIn(whole)) }
}

/** Base URL of the service that publishes the trust. */
export async function trustServiceUrl(
  io: Io,
  options: { readonly data?: string; readonly url?: string },
): Promise<string> {
  const url = options.url ?? (await readEndpoints(dataFolder(io, options.data))).services['trust']
  if (url === undefined || !isUrl(url)) {
    throw new CliError('bad_endpoints', 'the stack names no service that publishes its trust', {
      advice: 'Name one with --url.',
    })
  }
  return url.replace(/\/+$/, '')
}

export function usable<Value>(location: string, parse: () => Value): Value {
  try {
    return parse()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : ''
    throw new CliError('bad_trust', `${location} cannot be used: ${reason}`, { cause })
  }
}

function trustedRootIn(whole: unknown): unknown {
  if (typeof whole !== 'object' || whole === null) return undefined
  return Reflect.get(whole, 'trustedRoot') ?? Reflect.get(whole, 'trusted_root')
}
