import { withoutConnections } from '@sigstack/http-client'
import { type Archive, type CheckedParts, checkPacked, type PackedImage } from '@sigstack/oci'
import { imageSignaturePredicateType, predicateTypeUri } from '@sigstack/signing'
import type { Command } from 'commander'
import { collect } from '../../collect.ts'
import { CliError } from '../../errors.ts'
import { collectAnnotation } from '../../images/formats.ts'
import type { AttachedImage } from '../../images/image.ts'
import { demandVerified } from '../../images/verdict.ts'
import { type FoundAttachment, verifyAttached } from '../../images/verify-attached.ts'
import type { Io } from '../../io.ts'
import { demandTrust, nameOf, trustOfPack, withPack } from '../../packs/pack-file.ts'
import { tellChecks } from '../../presentation/checks-of-image.ts'
import { payloadOf } from '../../presentation/payload-of-image.ts'
import {
  addVerifyingOptions,
  readConditions,
  readSigner,
  type VerifyingOptions,
  warnOfBreadth,
  withoutAliases,
} from '../../verifying/verifying-options.ts'

type Options = VerifyingOptions & {
  readonly annotations?: Readonly<Record<string, string>>
  readonly type?: readonly string[]
  readonly trustChecksum?: string
  readonly json?: boolean
}

export function addPackVerify(pack: Command, io: Io): void {
  const command = pack
    .command('verify')
    .summary('verify the images of a file, with no network')
    .description(
      'Verifies that each image of the file was signed by whom you name, and that the file holds every part of it. Asks nobody. The trust is that of this machine; that of the file counts only with its checksum. Exit codes are those of verify.',
    )
    .argument('<file>', 'what pack has written')
    .option('--trust-checksum <digest>', 'believe the trust in the file, which must have this SHA-256')
    .option('--type <type>', 'demand an attestation of this type too; may be repeated', collect)
    .option(
      '-a, --annotations <name=value>',
      'what must have been signed too; may be repeated',
      collectAnnotation,
    )
  addVerifyingOptions(command).action((file: string, options: Options) =>
    withoutConnections(() => packVerify(io, file, withoutAliases(options))),
  )
}

async function packVerify(io: Io, file: string, options: Options): Promise<void> {
  await withPack(file, async (archive, images) => {
    const signer = await readSigner(io, options)
    const trusting = await withTrust(file, archive, options)
    const conditions = await readConditions(io, trusting, 'signature', signer).catch((cause: unknown) =>
      adviseTrust(file, archive, cause),
    )
    const demands = {
      ...conditions,
      allowCertificateChain: options.allowCertificateChain === true,
    }
    const results: object[] = []
    for (const packed of images) {
      const image = imageOf(archive, packed)
      const { annotations } = options
      const findings = await verifyAttached(image, 'sig', imageSignaturePredicateType, {
        ...demands,
        ...(annotations !== undefined && { annotations }),
      })
      demandVerified(findings, 'signatures', images.length > 1 ? image.given : undefined)
      for (const type of options.type ?? []) await demandAttestation(image, type, demands)
      const parts = await checkPacked(archive, packed)
      for (const { identity } of findings.verified) warnOfBreadth(io, signer, identity)
      tellChecks(io, image.given, {
        annotations: annotations !== undefined,
        claims: true,
        log: options.insecureIgnoreTlog !== true,
        key: 'key' in signer,
      })
      tellParts(io, parts)
      if (options.json === true) results.push({ ...resultOf(image, findings.verified), ...parts })
      else
        io.out(`\n[${findings.verified.map((found) => payloadOf(found, image.given, 'json')).join(',')}]\n`)
    }
    if (options.json === true) io.out(`${JSON.stringify(results)}\n`)
  })
}

/** Layers with addresses of their own are fetched by whoever runs the image, and cannot be vouched for here. */
function tellParts(io: Io, { bytes, elsewhere }: CheckedParts): void {
  if (elsewhere.length === 0) {
    io.err(`  - All parts of the image are in the file, ${bytes} bytes\n`)
    return
  }
  io.err(`  - The parts of the image that registries hold are in the file, ${bytes} bytes\n`)
  io.err(
    `WARNING: ${elsewhere.length} of its layers are not: the image gets them from elsewhere: ${elsewhere.join(', ')}\n`,
  )
}

async function withTrust(file: string, archive: Archive, options: Options): Promise<Options> {
  const { trustChecksum, trustedRoot } = options
  if (trustChecksum === undefined) return options
  if (trustedRoot !== undefined)
    throw new CliError('bad_usage', '--trust-checksum and --trusted-root each name the trust; give one')
  return { ...options, trustText: demandTrust(file, await trustOfPack(file, archive), trustChecksum) }
}

/** Who made the file chose the trust in it, so it does not count by itself. */
async function adviseTrust(file: string, archive: Archive, cause: unknown): Promise<never> {
  if (!(cause instanceof CliError) || cause.code !== 'not_running') throw cause
  const found = await trustOfPack(file, archive)
  throw new CliError('bad_trust', 'no instance is trusted on this machine', {
    cause,
    advice:
      found === undefined
        ? 'Name its trusted root with --trusted-root, or keep it with sigstack init FILE.'
        : `${file} brings trust along, chosen by whoever made it: compare sha256:${found.sha256} with what pack told ` +
          `there, and add --trust-checksum sha256:${found.sha256}. Or keep the instance with sigstack init FILE.`,
  })
}

function imageOf(archive: Archive, packed: PackedImage): AttachedImage {
  const { registry, repository } = packed.reference
  return {
    given: nameOf(packed),
    digest: packed.entry.digest,
    attachments: { ...archive, name: { registry, repository } },
    tagPrefix: '',
  }
}

async function demandAttestation(
  image: AttachedImage,
  type: string,
  demands: Parameters<typeof verifyAttached>[3],
): Promise<void> {
  demandVerified(
    await verifyAttached(image, 'att', predicateTypeUri(type), demands),
    'attestations',
    image.given,
  )
}

function resultOf({ given, digest }: AttachedImage, verified: readonly FoundAttachment[]): object {
  return {
    image: given,
    digest,
    verified: true,
    signatures: verified.map(({ format, identity, claim }) => ({
      format,
      identity: identity?.subject,
      issuer: identity?.issuer,
      annotations: claim.annotations,
    })),
  }
}
