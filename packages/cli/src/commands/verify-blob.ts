import { parsePublicKeyPem } from '@sigstack/crypto'
import { type Command, Option } from 'commander'
import { CliError } from '../errors.ts'
import { type Io, readInput } from '../io.ts'
import { readLocation } from '../location.ts'
import { readTrustedRoot, usable } from '../trust-source.ts'
import { type Artifact, parseDigest } from '../verification/artifact.ts'
import { type IdentityOptions, parseIdentityPolicy } from '../verification/identity-policy.ts'
import { readBundle } from '../verification/read-bundle.ts'
import { type VerifyOptions, verifyBundle } from '../verification/verify-bundle.ts'

type Options = IdentityOptions & {
  readonly bundle?: string
  readonly trustedRoot?: string
  readonly key?: string
  readonly insecureIgnoreSct?: boolean
  readonly insecureIgnoreTlog?: boolean
  readonly useSignedTimestamps?: boolean
  readonly data?: string
  readonly json?: boolean
}

export function addVerifyBlob(program: Command, io: Io): void {
  program
    .command('verify-blob')
    .summary('verify a file with its bundle')
    .description(
      'Verifies FILE offline. Prints "Verified OK" on standard error and ends with status 0, else with 1.',
    )
    .argument('<file>', 'what was signed: a file, - for standard input, or sha256:<hex>')
    .option('--bundle <file>', 'the bundle')
    .option('--certificate-identity <identity>', 'who must have signed, compared as a whole')
    .option('--certificate-identity-regexp <pattern>', 'who must have signed, as an RE2 pattern')
    .option('--certificate-oidc-issuer <issuer>', 'who must vouch for the identity, compared as a whole')
    .option(
      '--certificate-oidc-issuer-regexp <pattern>',
      'who must vouch for the identity, as an RE2 pattern',
    )
    .option('--trusted-root <location>', 'file or URL of the trusted root (default: of the running stack)')
    .option('--key <file>', 'the public key, in place of an identity, for bundles signed with a key')
    .option('--insecure-ignore-sct', 'accept a certificate that is in no certificate log')
    .option('--insecure-ignore-tlog', 'accept a signature that is in no transparency log')
    .option('--use-signed-timestamps', 'demand a signed timestamp')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell the result as JSON on standard output')
    .addOption(new Option('--cert-identity <identity>').hideHelp())
    .addOption(new Option('--cert-oidc-issuer <issuer>').hideHelp())
    .action((file: string, options: Options & { certIdentity?: string; certOidcIssuer?: string }) => {
      const { certIdentity, certOidcIssuer, ...rest } = options
      return verifyBlob(io, file, {
        ...(certIdentity !== undefined && { certificateIdentity: certIdentity }),
        ...(certOidcIssuer !== undefined && { certificateOidcIssuer: certOidcIssuer }),
        ...rest,
      })
    })
}

export async function verifyBlob(io: Io, file: string, options: Options): Promise<void> {
  if (options.bundle === undefined) throw new CliError('bad_usage', 'please specify the bundle with --bundle')
  const signer = await signerOf(io, options)
  const bundle = readBundle((await readInput(io, options.bundle)).toString('utf8'))
  const artifact: Artifact = parseDigest(file) ?? { bytes: await readInput(io, file) }
  const trustedRoot = await readTrustedRoot(io, options)
  const { identity } = await verifyBundle({
    bundle,
    artifact,
    trustedRoot,
    signer,
    ignoreSct: options.insecureIgnoreSct === true,
    ignoreTlog: options.insecureIgnoreTlog === true,
    requireSignedTimestamp: options.useSignedTimestamps === true,
  })
  if (options.json === true) {
    const result = { verified: true, identity: identity?.subject, issuer: identity?.issuer }
    io.out(`${JSON.stringify(result)}\n`)
  }
  io.err('Verified OK\n')
}

async function signerOf(io: Io, options: Options): Promise<VerifyOptions['signer']> {
  const { key, certificateIdentity, certificateIdentityRegexp } = options
  if (key !== undefined) {
    if (certificateIdentity !== undefined || certificateIdentityRegexp !== undefined) {
      throw new CliError(
        'bad_usage',
        'a key and an identity cannot both be demanded; give --key or --certificate-identity',
      )
    }
    const pem = await readLocation(key, 'public key')
    return { key: usable(key, () => parsePublicKeyPem(pem)) }
  }
  const policy = parseIdentityPolicy(options)
  for (const warning of policy.warnings) io.err(`WARNING: ${warning}\n`)
  return { policy }
}
