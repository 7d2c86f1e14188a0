import { inOrder } from '@sigstack/oci'
import { encodeEnvelope, predicateTypeUri } from '@sigstack/signing'
import { type Command, Option } from 'commander'
import { collectList } from '../../collect.ts'
import { CliError } from '../../errors.ts'
import { readGiven } from '../../images/given-signature.ts'
import { findImage, findLocal } from '../../images/image.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import { demandTag, demandVerified, statuses } from '../../images/verdict.ts'
import { type FoundAttachment, verifyAttached } from '../../images/verify-attached.ts'
import type { Io } from '../../io.ts'
import { complaintsOf, type Policy, readPolicies } from '../../policies/policy.ts'
import { tellChecks } from '../../presentation/checks-of-image.ts'
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

type Options = VerifyingOptions &
  RegistryOptions & {
    readonly type: string
    readonly checkClaims?: boolean
    readonly policy?: readonly string[]
    readonly localImage?: boolean
    readonly certificate?: string
    readonly json?: boolean
  }

export function addVerifyAttestation(program: Command, io: Io): void {
  const command = program
    .command('verify-attestation')
    .summary('verify what is attested of images')
    .description(
      'Verifies that something of a type is attested of each image by whom you name. Prints the envelopes on standard output, one a line, and what was checked on standard error. Ends with the statuses of verify.',
    )
    .argument('<image...>', 'what the statement is about, in a registry')
    .option('--type <type>', 'the predicate type: a short name of cosign, or a URI', 'custom')
    .option('--no-check-claims', 'accept statements about anything')
    .option('--local-image', 'images are folders that save has written')
    .addOption(new Option('--check-claims').hideHelp())
    .option(
      '--policy <file>',
      'what the statement must fulfil: CEL, JSON Schema or compiled Rego',
      collectList,
    )
    .addOption(new Option('-o, --output <form>').choices(['json', 'text']).hideHelp())
    .option('--certificate <file>', 'that of old attestations without one')
  addVerifyingOptions(command)
  addRegistryOptions(command).action((images: readonly string[], options: Options) =>
    verifyAttestations(io, images, withoutAliases(options)),
  )
}

export async function verifyAttestations(io: Io, given: readonly string[], options: Options): Promise<void> {
  const policies = await readPolicies(io, options.policy ?? [])
  const predicateType = predicateTypeUri(options.type)
  const conditions = await readConditions(io, options, 'attestation', await readSigner(io, options))
  const registries = await openRegistries(io, options)
  const { certificate } = await readGiven(io, options)
  const search = logSearch(io, options, conditions.signer)
  const results: object[] = []
  const verifyOne = async (each: string) => {
    const image =
      options.localImage === true ? await findLocal(each) : await demandTag(findImage(registries, each))
    const findings = await verifyAttached(image, 'att', predicateType, {
      ...conditions,
      search,
      certificate,
      ignoreSubject: options.checkClaims === false,
      allowCertificateChain: options.allowCertificateChain === true,
    })
    return { each, image, findings }
  }
  for await (const { each, image, findings } of inOrder(given, workersOf(options), verifyOne)) {
    const { verified, types } = findings
    if (verified.length === 0 && types.length > 0 && !types.includes(predicateType))
      throw new CliError(
        'not_verified',
        `none of the attestations matched the predicate type: ${options.type}, found: ${types.join(',')}`,
        { status: statuses.noneMatches },
      )
    demandVerified(findings, 'attestations', given.length > 1 ? each : undefined)
    if (policies.length > 0) demandPolicies(io, policies, verified)
    for (const { identity } of verified) warnOfBreadth(io, conditions.signer, identity)
    tellChecks(io, each, {
      annotations: false,
      claims: options.checkClaims !== false,
      log: options.insecureIgnoreTlog !== true,
      wasSearched: verified.every(({ wasSearched }) => wasSearched),
      key: 'key' in conditions.signer,
    })
    if (options.json === true)
      results.push({ image: each, digest: image.digest, attestations: verified.map(resultOf) })
    else for (const found of verified) io.out(`${envelopeOf(found)}\n`)
  }
  if (options.json === true) io.out(`${JSON.stringify(results)}\n`)
}

/** As in stock cosign, each of them must fulfil each. */
function demandPolicies(io: Io, policies: readonly Policy[], verified: readonly FoundAttachment[]): void {
  io.err(`will be validating against policies: ${policies.map(({ file }) => file).join(', ')}\n`)
  const complaints = verified.flatMap(({ bundle: { content } }) =>
    content.type === 'envelope' ? complaintsOf(policies, content.payload) : [],
  )
  if (complaints.length > 0)
    throw new CliError('not_verified', `${complaints.length} validation errors occurred`, {
      reasons: complaints,
    })
}

function envelopeOf({ bundle: { content } }: FoundAttachment): string {
  if (content.type !== 'envelope') throw new Error('an attestation is in an envelope')
  return encodeEnvelope(content)
}

function resultOf(found: FoundAttachment): object {
  const { format, identity, claim } = found
  return {
    format,
    predicateType: claim.type,
    identity: identity?.subject,
    issuer: identity?.issuer,
    envelope: JSON.parse(envelopeOf(found)) as unknown,
  }
}
