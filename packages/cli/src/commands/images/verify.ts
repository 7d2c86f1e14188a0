import { inOrder } from '@sigstack/oci'
import { imageSignaturePredicateType } from '@sigstack/signing'
import { type Command, Option } from 'commander'
import { CliError } from '../../errors.ts'
import { collectAnnotation } from '../../images/formats.ts'
import { type GivenOptions, layerOfGiven, readGiven } from '../../images/given-signature.ts'
import { type AttachedImage, findLocal, findSigned } from '../../images/image.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import { demandTag, demandVerified } from '../../images/verdict.ts'
import { type FoundAttachment, verifyAttached, verifyGiven } from '../../images/verify-attached.ts'
import type { Io } from '../../io.ts'
import { tellChecks } from '../../presentation/checks-of-image.ts'
import { payloadOf } from '../../presentation/payload-of-image.ts'
import { logSearch } from '../../verifying/log-search.ts'
import {
  addVerifyingOptions,
  readConditions,
  readSigner,
  type VerifyingOptions,
  warnOfBreadth,
  withoutAliases,
  workersOf,
} from '../../verifying/verifying-options.ts'

export type VerifyImagesOptions = VerifyingOptions &
  RegistryOptions & {
    readonly annotations?: Readonly<Record<string, string>>
    readonly checkClaims?: boolean
    readonly allowAnyStatement?: boolean
    readonly output: 'json' | 'text'
    readonly attachment?: 'sbom'
    readonly localImage?: boolean
    readonly json?: boolean
  } & GivenOptions

export function addVerify(program: Command, io: Io): void {
  const command = program
    .command('verify')
    .summary('verify signatures of images')
    .description(
      'Verifies that each image was signed by whom you name. Prints what was signed as JSON on standard output and what was checked on standard error. Ends with status 0, else with 10 (no signature), 11 (no such tag), 12 (none that matches), 13 (no certificate), or 1.',
    )
    .argument('<image...>', 'what to verify, in a registry')
  addVerifyOptions(command, (images: readonly string[], options) => verifyImages(io, images, options))
}

/** Those of every command that verifies signatures of images. */
export function addVerifyOptions<Argument, Options extends VerifyImagesOptions>(
  command: Command,
  action: (argument: Argument, options: Options) => Promise<void>,
): void {
  command
    .option(
      '-a, --annotations <name=value>',
      'what must have been signed too; may be repeated',
      collectAnnotation,
    )
    .option('--no-check-claims', 'accept signatures of other images')
    .option(
      '--allow-any-statement',
      'accept any statement about the image, such as an attestation, for a signature',
    )
    .addOption(
      new Option('-o, --output <form>', 'how what was signed is printed')
        .choices(['json', 'text'])
        .default('json'),
    )
    .option('--local-image', 'images are folders that save has written')
    .addOption(new Option('--attachment <kind>').choices(['sbom']).hideHelp())
    .addOption(new Option('--check-claims').hideHelp())
    .option('--signature <value>', 'an old signature, in place of those beside the image')
    .option('--payload <location>', 'what it is over')
    .option('--certificate <file>', 'the certificate of old signatures without one')
  addVerifyingOptions(command)
  addRegistryOptions(command).action((argument: Argument, options: Options) =>
    action(argument, withoutAliases(options)),
  )
}

export async function verifyImages(
  io: Io,
  given: readonly string[],
  options: VerifyImagesOptions,
): Promise<void> {
  const { annotations, output } = options
  if (options.localImage === true && options.attachment !== undefined)
    throw new CliError('bad_usage', '--attachment is of images in a registry, not of --local-image')
  const conditions = await readConditions(io, options, 'signature', await readSigner(io, options))
  const brought = await readGiven(io, options)
  const registries = await openRegistries(io, options)
  const demands = {
    ...conditions,
    search: logSearch(io, options, conditions.signer),
    certificate: brought.certificate,
    ...(annotations !== undefined && { annotations }),
    ignoreSubject: options.checkClaims === false,
    allowCertificateChain: options.allowCertificateChain === true,
  }
  // An attestation by the right signer says something of the image, and not that it is to be run.
  const type = options.allowAnyStatement === true ? undefined : imageSignaturePredicateType
  const results: object[] = []
  const verifyOne = async (each: string) => {
    const image =
      options.localImage === true
        ? await findLocal(each)
        : await demandTag(findSigned(registries, each, options.attachment))
    const findings =
      brought.signature === undefined
        ? await verifyAttached(image, 'sig', type, demands)
        : await verifyGiven(image, layerOfGiven(image, brought), demands)
    return { each, image, findings }
  }
  for await (const { each, image, findings } of inOrder(given, workersOf(options), verifyOne)) {
    demandVerified(findings, 'signatures', given.length > 1 ? each : undefined)
    const { verified } = findings
    for (const { identity } of verified) warnOfBreadth(io, conditions.signer, identity)
    tellChecks(io, each, {
      annotations: annotations !== undefined,
      claims: options.checkClaims !== false,
      log: options.insecureIgnoreTlog !== true,
      wasSearched: verified.every(({ wasSearched }) => wasSearched),
      key: 'key' in conditions.signer,
    })
    if (options.json === true) results.push(resultOf(image, verified))
    else if (output === 'text') for (const found of verified) io.out(`${payloadOf(found, each, 'text')}\n`)
    else io.out(`\n[${verified.map((found) => payloadOf(found, each, 'json')).join(',')}]\n`)
  }
  if (options.json === true) io.out(`${JSON.stringify(results)}\n`)
}

function resultOf({ given, digest }: AttachedImage, verified: readonly FoundAttachment[]): object {
  return {
    image: given,
    digest,
    verified: true,
    signatures: verified.map(({ format, identity, claim, logIndex }) => ({
      format,
      identity: identity?.subject,
      issuer: identity?.issuer,
      annotations: claim.annotations,
      logIndex: logIndex?.toString(),
    })),
  }
}
