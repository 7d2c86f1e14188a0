/** SBOMs in old tags: one layer, signed by nobody. */
import { type Descriptor, digestOf, mostAttachmentBytes } from '@sigstack/oci'
import { CliError } from '../errors.ts'
import { type Image, orNothing, tagOf } from './image.ts'
import { writeTag } from './stored-layers.ts'

export const sbomTypes = ['spdx', 'cyclonedx', 'syft'] as const
export const sbomForms = ['json', 'xml', 'text'] as const

const mediaTypes: Readonly<
  Record<(typeof sbomTypes)[number], Partial<Record<(typeof sbomForms)[number], string>>>
> = {
  spdx: { text: 'text/spdx', json: 'text/spdx+json' },
  cyclonedx: { xml: 'application/vnd.cyclonedx+xml', json: 'application/vnd.cyclonedx+json' },
  syft: { json: 'application/vnd.syft+json' },
}

/** Where no form is named, JSON for files that end so, else the other one. */
export function sbomMediaType(
  type: (typeof sbomTypes)[number],
  form: (typeof sbomForms)[number] | undefined,
  file: string,
): string {
  const forms = mediaTypes[type]
  const found =
    form === undefined
      ? ((file.endsWith('.json') ? forms.json : undefined) ?? Object.values(forms)[0])
      : forms[form]
  if (found !== undefined) return found
  throw new CliError(
    'bad_usage',
    `invalid SBOM input format: "${form}", expected (${Object.keys(forms).toSorted().join('|')})`,
  )
}

/** In place of the one that was there. */
export async function writeSbom(image: Image, mediaType: string, bytes: Uint8Array): Promise<void> {
  const layer = { mediaType, size: bytes.length, digest: digestOf(bytes) }
  await image.attachments.pushBlob(layer, () => bytes)
  await writeTag(image, 'sbom', [layer])
}

/** Undefined where there is none. */
export async function readSbom(
  image: Image,
): Promise<{ readonly mediaType: string; readonly bytes: Uint8Array } | undefined> {
  const tag = tagOf(image, 'sbom')
  const document = (await orNothing(image.attachments.readManifest(tag)))?.document
  if (document === undefined) return undefined
  const [layer, more]: readonly Descriptor[] = document.kind === 'manifest' ? document.layers : []
  if (layer === undefined || more !== undefined)
    throw new CliError('unreadable', `${tag} is no SBOM: it must have one layer`)
  const bytes = await image.attachments.readBlob(layer, image.mostBytes ?? mostAttachmentBytes)
  return { mediaType: layer.mediaType, bytes }
}
