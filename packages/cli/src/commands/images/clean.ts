import { isNotFound, type ManifestFile, OciError, repositoryText } from '@sigstack/oci'
import { type Command, Option } from 'commander'
import { CliError } from '../../errors.ts'
import { findImage, type Image, orNothing, placeOf, tagOf } from '../../images/image.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import { listBundles } from '../../images/stored-bundles.ts'
import { type Io, messageOf } from '../../io.ts'
import { demandConsent } from '../../questions.ts'

const tagged = ['sig', 'att', 'sbom'] as const

/** What each type removes: old tags, and whether bundles too. */
const types = {
  all: { tags: tagged, bundles: true, what: 'signatures, SBOMs and attestations' },
  signature: { tags: ['sig'], bundles: false, what: 'signatures' },
  attestation: { tags: ['att'], bundles: false, what: 'attestations' },
  referrer: { tags: [], bundles: true, what: 'referrer attestations and/or signatures' },
  sbom: { tags: ['sbom'], bundles: false, what: 'SBOMs' },
} as const

type Options = RegistryOptions & {
  readonly type: keyof typeof types
  readonly force?: boolean
  readonly json?: boolean
}

export function addClean(program: Command, io: Io): void {
  const command = program
    .command('clean')
    .summary('remove what is attached to an image')
    .description(
      'Removes signatures, attestations and SBOMs of an image from its registry: old tags, and bundles among its referrers. The image stays, and so do other referrers.',
    )
    .argument('<image>', 'an image in a registry')
    .addOption(
      new Option('--type <type>', 'of what; referrer: bundles').choices(Object.keys(types)).default('all'),
    )
    .option('-f, --force', 'ask nothing')
    .option('--json', 'tell the result as JSON on standard output')
  addRegistryOptions(command).action((image: string, options: Options) => clean(io, image, options))
}

export async function clean(io: Io, given: string, options: Options): Promise<void> {
  const { tags, bundles, what } = types[options.type]
  if (options.force !== true) await demandConsent(io, `this will remove all ${what} from the image`, false)
  const image = await findImage(await openRegistries(io, options), given)
  const { attachments, digest } = image
  const ways: (readonly [place: string, remove: () => Promise<boolean>])[] = tags.map((kind) => {
    const tag = tagOf(image, kind)
    return [placeOf(image, tag), () => removeTag(image, tag)]
  })
  const stored = bundles || tags.length === 1 ? await listBundles(image) : []
  if (!bundles && options.type !== 'sbom' && stored.length > 0)
    io.err('WARNING: the image has bundles, which --type referrer removes\n')
  if (bundles)
    for (const bundle of stored)
      ways.push([
        `${repositoryText(attachments.name)}@${bundle}`,
        () => attachments.deleteReferrer(digest, bundle).then(() => true),
      ])
  const removed: string[] = []
  const failures: string[] = []
  for (const [place, remove] of ways)
    try {
      if (!(await remove())) continue
      removed.push(place)
      io.err(`Removed ${place} from ${given}\n`)
    } catch (error) {
      // Somebody else cleans too.
      if (isNotFound(error)) continue
      if (!(error instanceof OciError)) throw error
      failures.push(`could not delete ${place} from ${given}: ${messageOf(error)}`)
    }
  if (failures.length > 0) throw refusal(image, failures)
  if (options.json === true) io.out(`${JSON.stringify({ image: given, digest, removed })}\n`)
}

/** False: there was none. Many registries delete what a tag points at, under whatever other tags it is. */
async function removeTag(image: Image, tag: string): Promise<boolean> {
  const found = await orNothing(image.attachments.readManifest(tag))
  if (found === undefined) return false
  if (found.digest === image.digest || isRun(found))
    throw new OciError(
      'bad_document',
      `it points at ${found.digest}, which is an image to run and nothing that is attached; move the tag away`,
    )
  return image.attachments.deleteTag(tag)
}

/** What is attached has layers of types of its own. */
function isRun({ document }: ManifestFile): boolean {
  if (document.kind === 'index') return true
  return document.layers.some(({ mediaType }) =>
    /^application\/vnd\.(?:oci\.image\.layer|docker\.image\.rootfs)\./.test(mediaType),
  )
}

function refusal({ given }: Image, reasons: readonly string[]): CliError {
  return new CliError('not_cleaned', `${given} still has something attached`, {
    reasons,
    advice: 'Some registries delete nothing unless they are configured to.',
  })
}
