/** Whom to accept and what vouches for it, from the options that every verifying command has. */
import type { HashAlgorithm } from '@sigstack/crypto'
import type { TrustedRoot } from '@sigstack/trust-root'
import { breadthOf, type CertificateIdentity, type VerifyOptions } from '@sigstack/verification'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { CliError } from '../errors.ts'
import { type IdentityOptions, identityOptions, parseIdentityPolicy } from '../identity-options.ts'
import type { Io } from '../io.ts'
import { profileOption } from '../profiles/profile-option.ts'
import { refuseHardwareKey } from '../signing/hardware-key.ts'
import { readTrustedRoot } from '../trust-source.ts'
import { readSctFile } from './sct-file.ts'

export type VerifyingOptions = IdentityOptions & {
  readonly trustedRoot?: string
  /** The trusted root itself, from where it was found. */
  readonly trustText?: string
  readonly key?: string
  readonly certificateChain?: string
  readonly caRoots?: string
  readonly caIntermediates?: string
  readonly insecureIgnoreSct?: boolean
  /** A file. */
  readonly sct?: string
  readonly insecureIgnoreTlog?: boolean
  readonly useSignedTimestamps?: boolean
  readonly timestampCertificateChain?: string
  /** Of a plain signature that does not say it. */
  readonly signatureDigestAlgorithm?: HashAlgorithm
  readonly allowCertificateChain?: boolean
  readonly rekorUrl?: string
  readonly maxWorkers?: number
  readonly sk?: boolean
  readonly profile?: string
  readonly data?: string
}

/** Spellings of before, which scripts still have. */
const aliases = {
  privateInfrastructure: 'insecureIgnoreTlog',
} as const

export function addVerifyingOptions(command: Command): Command {
  const hidden = (flags: string): Option => new Option(flags).hideHelp()
  return command
    .option('--certificate-identity <identity>', 'who must have signed, compared as a whole')
    .option('--certificate-identity-regexp <pattern>', 'who must have signed, as an RE2 pattern')
    .option('--certificate-oidc-issuer <issuer>', 'who must vouch for the identity, compared as a whole')
    .option(
      '--certificate-oidc-issuer-regexp <pattern>',
      'who must vouch for the identity, as an RE2 pattern',
    )
    .option('--certificate-github-workflow-trigger <event>', 'the event that must have started the workflow')
    .option('--certificate-github-workflow-sha <commit>', 'the commit that it must have run on')
    .option('--certificate-github-workflow-name <name>', 'the name that it must have')
    .option('--certificate-github-workflow-repository <name>', 'the repository that it must be of')
    .option('--certificate-github-workflow-ref <ref>', 'the ref that it must have run on')
    .option(
      '--source-repository <url>',
      'the repository whose job must have signed; takes the place of an identity',
    )
    .option(
      '--build-signer <url>',
      'the workflow that must have signed, with its ref; takes the place of an identity',
    )
    .option('--ref-pattern <glob>', 'the ref that the job must have run on, such as refs/tags/*')
    .option(
      '--trusted-root <location>',
      'file or URL of the trusted root (default: of the profile in use, else of the stack on the data folder, which need not run)',
    )
    .option(...profileOption)
    .option(
      '--key <reference>',
      'the public key, in place of an identity, for what was signed with a key: a file, URL, env://NAME, k8s://NAMESPACE/NAME, or one of a service',
    )
    .option('--certificate-chain <file>', 'an authority of your own, in PEM, its root last')
    .option('--ca-roots <file>', 'roots of authorities of your own, in PEM')
    .option('--ca-intermediates <file>', 'certificates between them and the leaf, in PEM')
    .option('--allow-certificate-chain', 'accept bundles of version 0.3 that hold a whole chain')
    .option('--insecure-ignore-sct', 'accept a certificate that is in no certificate log')
    .option('--insecure-ignore-tlog', 'accept a signature that is in no transparency log')
    .option('--use-signed-timestamps', 'demand a signed timestamp')
    .option('--data <folder>', 'data folder of the stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell the result as JSON on standard output')
    .option('--sct <file>', 'what a certificate log promised of the certificate of --certificate')
    .option(
      '--timestamp-certificate-chain <file>',
      'a timestamp authority of your own, in PEM, its root last; its stamp is then demanded',
    )
    .addOption(
      new Option(
        '--signature-digest-algorithm <name>',
        'the hash of a signature that does not say it (default: that of the key)',
      ).choices(['sha256', 'sha384', 'sha512']),
    )
    .option('--rekor-url <url>', 'the log to ask for old signatures that have no entry beside them')
    .addOption(
      new Option('--max-workers <count>', 'how many are looked at at once (default: 10)').argParser(countOf),
    )
    .addOption(hidden('--private-infrastructure'))
    .addOption(hidden('--experimental-oci11'))
    .addOption(hidden('--new-bundle-format'))
    .addOption(hidden('--no-new-bundle-format'))
    .addOption(hidden('--sk'))
    .addOption(hidden('--slot <slot>'))
}

/** How many images are looked at at once. */
export function workersOf({ maxWorkers = 10 }: VerifyingOptions): number {
  return maxWorkers
}

function countOf(text: string): number {
  const count = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0
  if (count < 1) throw new InvalidArgumentError('it must be a count from 1 to 999.')
  return count
}

/** The options by their names of today. */
export function withoutAliases<Options extends object>(options: Options): Options {
  const renamed = Object.entries(aliases).flatMap(([old, name]) =>
    Object.hasOwn(options, old) ? [[name, Reflect.get(options, old)]] : [],
  )
  return { ...Object.fromEntries(renamed), ...options }
}

/** All but what is verified. `what` names it in a warning. Trust comes last: whatever else is wrong is told where no stack runs, too. */
export async function readConditions(
  io: Io,
  options: VerifyingOptions,
  what: string,
  signer: VerifyOptions['signer'],
): Promise<Omit<VerifyOptions, 'bundle' | 'artifact'>> {
  const ignoreTlog = options.insecureIgnoreTlog === true
  if (ignoreTlog)
    io.err(
      `WARNING: Skipping tlog verification is an insecure practice that lacks transparency and auditability verification for the ${what}.\n`,
    )
  const sct = options.sct === undefined ? undefined : await readSctFile(io, options.sct)
  return {
    signer,
    trustedRoot: await trustOf(io, options),
    ...(sct !== undefined && { sct }),
    ignoreSct: options.insecureIgnoreSct === true,
    ignoreTlog,
    requireSignedTimestamp: demandsStamp(options),
    now: new Date(),
  }
}

/** Whose signature is demanded: a key's, or that of an identity. */
export async function readSigner(io: Io, options: VerifyingOptions): Promise<VerifyOptions['signer']> {
  refuseHardwareKey(options.sk)
  const { key } = options
  if (key !== undefined) {
    // What is demanded of a certificate would not be looked at.
    if (identityOptions.some((name) => options[name] !== undefined)) {
      throw new CliError(
        'bad_usage',
        'a key and an identity cannot both be demanded; give --key or --certificate-identity',
      )
    }
    const { openVerificationKey } = await import('@sigstack/signing/keys')
    const { keyContext } = await import('../key-context.ts')
    return { key: await openVerificationKey(key, keyContext(io)) }
  }
  const policy = await parseIdentityPolicy(options)
  for (const warning of policy.warnings) io.err(`WARNING: ${warning}\n`)
  return { policy }
}

/** What a condition lets through beside the one who signed, which its writer may not have meant. */
export function warnOfBreadth(
  io: Io,
  signer: VerifyOptions['signer'],
  identity: CertificateIdentity | undefined,
): void {
  if (!('policy' in signer) || signer.policy === undefined || identity === undefined) return
  for (const sentence of breadthOf(signer.policy, identity)) io.err(`WARNING: ${sentence}\n`)
}

/** Who names an authority wants its stamp. */
function demandsStamp({ useSignedTimestamps, timestampCertificateChain }: VerifyingOptions): boolean {
  return useSignedTimestamps === true || timestampCertificateChain !== undefined
}

/** A key alone needs nobody to vouch for it, and an own authority only a log. */
async function trustOf(io: Io, options: VerifyingOptions): Promise<TrustedRoot> {
  const { certificateChain, caRoots, insecureIgnoreTlog, timestampCertificateChain: stamping } = options
  const isOwn = certificateChain !== undefined || caRoots !== undefined
  const isNeeded = (demandsStamp(options) && stamping === undefined) || insecureIgnoreTlog !== true
  const isEnough = options.trustedRoot === undefined && !isNeeded && (isOwn || options.key !== undefined)
  const root = isEnough ? trustsNobody : (await readTrustedRoot(io, options)).trustedRoot
  if (!isOwn && stamping === undefined) return root
  const { ownAuthorities, ownTimestampAuthority } = await import('./own-authorities.ts')
  return {
    ...root,
    ...(isOwn && { certificateAuthorities: await ownAuthorities(options) }),
    ...(stamping !== undefined && { timestampAuthorities: [await ownTimestampAuthority(stamping)] }),
  }
}

export const trustsNobody: TrustedRoot = {
  tlogs: [],
  ctlogs: [],
  certificateAuthorities: [],
  timestampAuthorities: [],
}
