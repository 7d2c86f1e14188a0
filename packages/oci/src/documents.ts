/**
 * Manifests and indexes (OCI image specification 1.1, Docker's version 2 schema 2), read from bytes and
 * written to bytes. Pure: what is refused is an {@link OciError} `bad_document`. The digest is of the bytes,
 * so those are kept beside what was read.
 */
import { goJson, type JsonValue, quoted, sortedMembers } from '@sigstack/crypto'
import { type Descriptor, descriptorJson, descriptorOf, isFilled } from './descriptor.ts'
import { OciError } from './errors.ts'
import {
  type JsonObject,
  member,
  optionalList,
  optionalText,
  optionalTexts,
  parseObject,
  refuseOtherSpellings,
  type Subject,
  spellingsOf,
} from './json-reading.ts'
import { isIndexType, isManifestType, mediaTypes } from './media-types.ts'

type Common = {
  readonly mediaType: string
  readonly annotations: Readonly<Record<string, string>>
  readonly subject: Descriptor | undefined
  readonly artifactType: string | undefined
}
export type ImageManifest = Common & {
  readonly kind: 'manifest'
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}
export type ImageIndex = Common & { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }

/** As registries bound them (OCI distribution specification 1.1, "Pushing manifests"). */
export const mostManifestBytes = 4 * 1024 * 1024
const mostNames = 200_000
const mostLayers = 1000
const mostManifests = 20_000
const longestText = 1000
const members = spellingsOf([
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'manifests',
  'fsLayers',
  'subject',
  'annotations',
])

/**
 * By its content type where that is one of ours, else by what the document says of itself, else by its shape.
 */
export function parseDocument(bytes: Uint8Array, contentType?: string): ImageManifest | ImageIndex {
  const subject: Subject = { what: 'the manifest', code: 'bad_document', mostNames }
  if (bytes.length > mostManifestBytes)
    throw new OciError('bad_document', `the manifest has more than ${mostManifestBytes} bytes`)
  const object = parseObject(bytes, subject)
  refuseOtherSpellings(object, members, subject)
  const mediaType = mediaTypeOf(object, subject, contentType)
  const version = member(object, 'schemaVersion')
  if (version !== 2)
    throw new OciError(
      'bad_document',
      `the manifest cannot be read: schemaVersion must be 2, not ${quoted(version ?? null, 40)}; ` +
        'push the image again with a tool of this decade',
    )
  const common: Common = {
    mediaType,
    annotations: optionalTexts(object, 'annotations', subject) ?? {},
    subject: descriptorIn(object, 'subject', subject),
    artifactType: optionalText(object, 'artifactType', subject, longestText),
  }
  if (isIndexType(mediaType)) {
    // What one reader takes for an index and another for an image is signed as one and run as the other.
    refuseMembers(object, ['config', 'layers', 'fsLayers'], 'an index')
    const manifests = descriptorsIn(object, 'manifests', subject, mostManifests)
    return { kind: 'index', ...common, manifests }
  }
  refuseMembers(object, ['manifests', 'fsLayers'], 'an image manifest')
  const config = descriptorIn(object, 'config', subject)
  if (config === undefined)
    throw new OciError('bad_document', 'the manifest cannot be read: it has no config')
  return { kind: 'manifest', ...common, config, layers: descriptorsIn(object, 'layers', subject, mostLayers) }
}

export function parseManifest(bytes: Uint8Array, contentType?: string): ImageManifest {
  const document = parseDocument(bytes, contentType)
  if (document.kind === 'index')
    throw new OciError('bad_document', 'this is an index, where an image manifest was expected')
  return document
}

export function parseIndex(bytes: Uint8Array, contentType?: string): ImageIndex {
  const document = parseDocument(bytes, contentType)
  if (document.kind === 'manifest')
    throw new OciError('bad_document', 'this is an image manifest, where an index was expected')
  return document
}

/** A list of referrers: an index whose entries may lack what an index otherwise has. */
export function parseReferrers(bytes: Uint8Array): readonly Descriptor[] {
  const subject: Subject = { what: 'the list of referrers', code: 'bad_document', mostNames }
  if (bytes.length > mostManifestBytes)
    throw new OciError('bad_document', `${subject.what} has more than ${mostManifestBytes} bytes`)
  return descriptorsIn(parseObject(bytes, subject), 'manifests', subject, mostManifests)
}

/** Without parameters, in lower case. */
export function baseType(contentType: string | undefined): string {
  return (contentType ?? '').slice(0, 300).split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

function mediaTypeOf(object: JsonObject, subject: Subject, contentType: string | undefined): string {
  const own = optionalText(object, 'mediaType', subject, longestText)
  const told = baseType(contentType)
  const isTold = isIndexType(told) || isManifestType(told)
  if (own !== undefined && own !== '') {
    if (!isIndexType(own) && !isManifestType(own))
      throw new OciError('bad_document', `a manifest of the type ${quoted(own)} is not read here`)
    if (isTold && told !== own)
      throw new OciError(
        'bad_document',
        `the registry calls the manifest ${quoted(told)} and the manifest itself says ${quoted(own)}`,
      )
    return own
  }
  if (isTold) return told
  return Object.hasOwn(object, 'manifests') ? mediaTypes.ociIndex : mediaTypes.ociManifest
}

function refuseMembers(object: JsonObject, names: readonly string[], kind: string): void {
  const found = names.find((name) => Object.hasOwn(object, name))
  if (found !== undefined)
    throw new OciError('bad_document', `the manifest cannot be read: ${kind} has no ${found}`)
}

function descriptorIn(object: JsonObject, name: string, subject: Subject): Descriptor | undefined {
  const value = member(object, name)
  return value === undefined ? undefined : descriptorOf(value, subject, name)
}

function descriptorsIn(
  object: JsonObject,
  name: string,
  subject: Subject,
  most: number,
): readonly Descriptor[] {
  if (!Object.hasOwn(object, name))
    throw new OciError(subject.code, `${subject.what} cannot be read: it has no ${name}`)
  const values = optionalList(object, name, subject, most) ?? []
  return values.map((value, at) => descriptorOf(value, subject, `${name}[${at}]`))
}

export type ManifestParts = {
  readonly mediaType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly subject?: Descriptor
  readonly artifactType?: string
}

/** As Go's programs write it: order of members, order of annotations, no white space, their escapes. */
export function encodeManifest(parts: ManifestParts): Uint8Array {
  const { mediaType = mediaTypes.ociManifest, annotations = {}, subject, artifactType } = parts
  return encode({
    schemaVersion: 2,
    mediaType,
    config: descriptorJson(parts.config),
    layers: parts.layers.map(descriptorJson),
    ...(isFilled(annotations) && { annotations: sortedMembers(annotations) }),
    ...(subject !== undefined && { subject: descriptorJson(subject) }),
    ...(artifactType !== undefined && { artifactType }),
  })
}

export function encodeIndex(
  manifests: readonly Descriptor[],
  annotations: Readonly<Record<string, string>> = {},
): Uint8Array {
  return encode({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: manifests.map(descriptorJson),
    ...(isFilled(annotations) && { annotations: sortedMembers(annotations) }),
  })
}

/** A Go program that writes the document anew must not change its digest. */
function encode(value: JsonValue): Uint8Array {
  return Buffer.from(goJson(value))
}
