/** Who signs and who vouches, from the options that every signing command has. */
import { quoted } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import {
  type Credential,
  type Exchange,
  keylessCredential,
  type LogOptions,
  type LogService,
  type SigningKey,
  type SignOptions,
  selectAuthority,
  selectIssuer,
  selectWitnesses,
  witnessesOf,
} from '@sigstack/signing'
import {
  parseSigningConfig,
  parseTrustedRoot,
  type SigningConfig,
  type TrustedRoot,
} from '@sigstack/trust-root'
import { type Command, Option } from 'commander'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { readLocation } from '../location.ts'
import { profileOption } from '../profiles/profile-option.ts'
import { readTrustConfig, type TrustConfig } from '../trust-source.ts'
import { usable } from '../usable.ts'
import { refuseHardwareKey } from './hardware-key.ts'
import { resolveIdentityToken } from './identity-token.ts'
import { flows, type SignInOptions } from './oidc/flows.ts'

export type SigningOptions = SignInOptions & {
  readonly key?: string
  readonly certificate?: string
  readonly certificateChain?: string
  readonly identityToken?: string
  readonly oidcProvider?: string
  readonly oidcDisableAmbientProviders?: boolean
  readonly oidcIssuer?: string
  readonly trustConfig?: string
  readonly signingConfig?: string
  readonly trustedRoot?: string
  readonly useSigningConfig?: boolean
  readonly tlogUpload?: boolean
  readonly fulcioUrl?: string
  readonly rekorUrl?: string
  readonly timestampServerUrl?: string
  readonly timestampClientCacert?: string
  readonly timestampClientCert?: string
  readonly timestampClientKey?: string
  readonly timestampServerName?: string
  readonly issueCertificate?: boolean
  readonly sk?: boolean
  readonly profile?: string
  readonly data?: string
}

export function addSigningOptions(command: Command): Command {
  const hidden = (flags: string): Option => new Option(flags).hideHelp()
  return (
    command
      .option(
        '--key <reference>',
        'sign with this key: a file, env://NAME, k8s://NAMESPACE/NAME, or one of a service',
      )
      .option('--certificate <file>', 'your own certificate of the key, in PEM')
      .option('--certificate-chain <file>', 'the certificates above it, in PEM')
      .option('--identity-token <token>', 'an identity token, or a file that holds one')
      .option(
        '--oidc-provider <name>',
        'take the token of this one alone: github-actions, buildkite-agent, envvar, filesystem, spiffe, google-workload-identity or google-impersonate',
      )
      .option('--oidc-disable-ambient-providers', 'take no token of the surroundings of a job')
      .option(
        '--oidc-issuer <url>',
        'where to sign in where there is no token (default: of the signing config)',
      )
      .addOption(
        new Option(
          '--fulcio-auth-flow <flow>',
          'how to sign in (default: normal, a browser; without a terminal: device)',
        ).choices(flows),
      )
      .option(
        '--trust-config <location>',
        'file or URL of the client trust config (default: of the profile in use, else of the running stack)',
      )
      .option('--signing-config <location>', 'file or URL of the services to sign with')
      .option('--trusted-root <location>', 'file or URL of the trusted root that must accept the signature')
      .option('--no-tlog-upload', 'sign with a key and nobody beside it: no log, no network')
      .addOption(hidden('--tlog-upload'))
      .addOption(hidden('--use-signing-config'))
      .addOption(hidden('--no-use-signing-config'))
      .addOption(hidden('--fulcio-url <url>'))
      .addOption(hidden('--rekor-url <url>'))
      .addOption(hidden('--timestamp-server-url <url>'))
      .option('--timestamp-client-cacert <file>', 'whom to trust in TLS at the timestamp authority, in PEM')
      .option('--timestamp-client-cert <file>', 'the certificate to show there, in PEM')
      .option('--timestamp-client-key <file>', 'its key, in PEM')
      .option('--timestamp-server-name <name>', 'the name that its certificate must have')
      .addOption(hidden('--issue-certificate'))
      .option('--oidc-client-id <name>', 'who this tool is to the issuer (default: sigstore)')
      .option('--oidc-client-secret-file <file>', 'the secret that it has there')
      .option(
        '--oidc-redirect-url <url>',
        'where the browser comes back to on this machine (default: http://localhost:0/auth/callback)',
      )
      .addOption(hidden('--sk'))
      .addOption(hidden('--slot <slot>'))
      // What a CA gives is always looked at.
      .addOption(hidden('--insecure-skip-verify'))
      .option(...profileOption)
      .option('-y, --yes', 'taken for the sake of scripts; nothing is asked here')
      .option(
        '--data <folder>',
        'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)',
      )
  )
}

/** As which kind statements are logged; cosign has another one of before. */
export function entryTypeOption(): Option {
  const parse = (type: string): string => {
    if (type === 'dsse') return type
    throw new CliError(
      'bad_usage',
      `--rekor-entry-type ${quoted(type, 60)}: statements are logged as dsse alone`,
      {
        advice: 'Leave the option out; every verifier of today reads dsse.',
      },
    )
  }
  return new Option('--rekor-entry-type <type>').argParser(parse).hideHelp()
}

export type Signing = SignOptions & {
  /** What must accept the signature before it is written; absent where there is none at hand. */
  readonly trustedRoot: TrustedRoot | undefined
}

type Services = {
  readonly caUrl: (() => string) | undefined
  /** Where to sign in. */
  readonly issuerUrl: string | undefined
  readonly logs: readonly LogService[]
  readonly tsaUrls: readonly string[]
}

/** Forms from before bundles hold a promise of the log, which only Rekor v1 gives. */
export const ofLegacyForms: LogOptions = { logVersions: [1] }

/** Nothing is asked of any service yet; a key is opened, and a token found. */
export async function openSigning(
  io: Io,
  options: SigningOptions,
  onProgress: (step: string) => void,
  logOptions: LogOptions = {},
): Promise<Signing> {
  refuseHardwareKey(options.sk)
  demandSense(options)
  const config = await configOf(io, options)
  const services = servicesOf(options, config?.signingConfig, logOptions)
  const trustedRoot = await trustedRootOf(options, config)
  return {
    credential: await credentialOf(io, options, services, onProgress),
    witnesses: witnessesOf(services, requestBounded, await stampingExchange(options)),
    onProgress,
    trustedRoot,
  }
}

/** The way to the timestamp authority, where it has a TLS of its own. */
async function stampingExchange(options: SigningOptions): Promise<Exchange | undefined> {
  const { timestampClientCacert, timestampClientCert, timestampClientKey, timestampServerName } = options
  const read = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : readLocation(path, 'file for the timestamp authority')
  const [ca, cert, key] = [
    await read(timestampClientCacert),
    await read(timestampClientCert),
    await read(timestampClientKey),
  ]
  if (ca === undefined && cert === undefined && timestampServerName === undefined) return undefined
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(timestampServerName !== undefined && { serverName: timestampServerName }),
  }
  return (url, request) => requestBounded(url, { ...request, tls })
}

function demandSense(options: SigningOptions): void {
  const refuse = (message: string, advice?: string): never => {
    throw new CliError('bad_usage', message, advice === undefined ? {} : { advice })
  }
  const namesUrls = [options.fulcioUrl, options.rekorUrl, options.timestampServerUrl].some(Boolean)
  const usesConfig = options.signingConfig !== undefined || options.useSigningConfig !== false
  if (namesUrls && usesConfig)
    refuse('cannot specify service URLs and use signing config', 'Add --use-signing-config=false.')
  if (options.tlogUpload === false && options.signingConfig !== undefined)
    refuse(
      '--tlog-upload=false is not supported with --signing-config',
      'Name a signing config without rekorTlogUrls, or none.',
    )
  if ((options.timestampClientCert === undefined) !== (options.timestampClientKey === undefined))
    refuse('--timestamp-client-cert and --timestamp-client-key belong together')
  if (options.certificate !== undefined && options.issueCertificate === true)
    refuse('--certificate brings the certificate of a key along, and --issue-certificate asks for another')
  if (options.certificate !== undefined && options.key === undefined)
    refuse('--certificate is the certificate of a key, which --key must name')
  if (options.certificateChain !== undefined && options.certificate === undefined)
    refuse('--certificate-chain is above a certificate, which --certificate must name')
}

type Config = { readonly signingConfig: SigningConfig; readonly trustedRoot?: TrustedRoot }

/** Undefined where nothing but the key and the URLs of the options is needed. */
async function configOf(io: Io, options: SigningOptions): Promise<Config | undefined> {
  if (options.signingConfig !== undefined) {
    const { signingConfig: location } = options
    const text = await readLocation(location, 'signing config')
    return { signingConfig: usable(location, () => parseSigningConfig(text)) }
  }
  const ownKey = options.issueCertificate === true ? undefined : options.key
  const isAlone = ownKey !== undefined && options.tlogUpload === false
  const { fulcioUrl, rekorUrl } = options
  if (isAlone || ((fulcioUrl ?? ownKey) !== undefined && rekorUrl !== undefined)) return undefined
  return readTrustConfig(io, options).catch((cause: unknown) => {
    if (ownKey === undefined || !(cause instanceof CliError) || cause.code !== 'not_running') throw cause
    throw new CliError(cause.code, cause.message, {
      cause,
      advice: `${cause.advice} With a key, --tlog-upload=false signs without one.`,
    })
  }) satisfies Promise<TrustConfig>
}

function servicesOf(
  options: SigningOptions,
  config: SigningConfig | undefined,
  logOptions: LogOptions,
): Services {
  const now = new Date()
  const { key, fulcioUrl, rekorUrl, timestampServerUrl, tlogUpload } = options
  const chosen = config === undefined ? { logs: [], tsaUrls: [] } : selectWitnesses(config, now, logOptions)
  const isCertified = key === undefined || options.issueCertificate === true
  const authority = fulcioUrl ?? (config && isCertified ? selectAuthority(config, now) : undefined)
  return {
    caUrl: authority === undefined ? undefined : () => authority,
    issuerUrl: options.oidcIssuer ?? (config && selectIssuer(config, now)),
    logs:
      tlogUpload === false
        ? []
        : rekorUrl === undefined
          ? chosen.logs
          : [{ url: rekorUrl, majorApiVersion: 1 }],
    tsaUrls: timestampServerUrl === undefined ? chosen.tsaUrls : [timestampServerUrl],
  }
}

async function trustedRootOf(
  { trustedRoot: location }: SigningOptions,
  config: Config | undefined,
): Promise<TrustedRoot | undefined> {
  if (location === undefined) return config?.trustedRoot
  const text = await readLocation(location, 'trusted root')
  return usable(location, () => parseTrustedRoot(text))
}

async function credentialOf(
  io: Io,
  options: SigningOptions,
  { caUrl, issuerUrl }: Services,
  onProgress: (step: string) => void,
): Promise<Credential> {
  if (options.key !== undefined && options.issueCertificate !== true) {
    const { openKeyCredential } = await import('./key-credential.ts')
    return openKeyCredential(io, options.key, options)
  }
  if (caUrl === undefined)
    throw new CliError('bad_usage', 'no certificate authority is named, and no key', {
      advice: 'Name one with --fulcio-url, or a key with --key.',
    })
  const key = options.key === undefined ? undefined : await openOwnKey(io, options.key)
  const identityToken = await resolveIdentityToken(io, options, issuerUrl)
  const asked = { identityToken, caUrl: caUrl(), exchange: requestBounded, onProgress }
  return keylessCredential(key === undefined ? asked : { ...asked, key })
}

async function openOwnKey(io: Io, reference: string): Promise<SigningKey> {
  const { openKeyCredential } = await import('./key-credential.ts')
  return (await openKeyCredential(io, reference, {})).key
}
