/**
 * Descriptors: what a manifest or an index says of other content (OCI image specification, descriptor.md).
 */
import { type JsonValue, quoted, sortedMembers } from '@sigstack/crypto'
import { type Digest, parseDigest } from './digest.ts'
import { OciError } from './errors.ts'
import {
  type JsonObject,
  member,
  objectOf,
  optionalList,
  optionalText,
  optionalTexts,
  refuseOtherSpellings,
  type Subject,
  spellingsOf,
} from './json-reading.ts'

export type Platform = {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly osVersion?: string
}

export type Descriptor = {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: Platform
  /** Where else the content is: layers that a registry need not have. */
  readonly urls?: readonly string[]
}

const longestText = 1000
const members = spellingsOf([
  'mediaType',
  'digest',
  'size',
  'urls',
  'data',
  'annotations',
  'platform',
  'artifactType',
])

export function descriptorOf(value: unknown, subject: Subject, path: string): Descriptor {
  const object = objectOf(value, subject, path)
  refuseOtherSpellings(object, members, { ...subject, what: `${subject.what}: ${path}` })
  const size = member(object, 'size')
  const text = optionalText(object, 'digest', subject, longestText)
  const digest = text === undefined ? undefined : parseDigest(text)
  const bad = (reason: string): OciError =>
    new OciError(subject.code, `${subject.what} cannot be read: ${path} ${reason}`)
  if (digest === undefined) throw bad(`has no digest that is known here, but ${quoted(text ?? null, 140)}`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw bad('has no size')
  const artifactType = optionalText(object, 'artifactType', subject, longestText)
  const annotations = optionalTexts(object, 'annotations', subject)
  const platform = platformOf(object, subject)
  const urls = optionalList(object, 'urls', subject, 20)?.filter((url) => typeof url === 'string')
  return {
    mediaType: optionalText(object, 'mediaType', subject, longestText) ?? '',
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
    ...(platform !== undefined && { platform }),
    ...(urls !== undefined && { urls }),
  }
}

function platformOf(object: JsonObject, subject: Subject): Platform | undefined {
  const value = member(object, 'platform')
  if (value === undefined) return undefined
  const platform = objectOf(value, subject, 'platform')
  const text = (name: string): string | undefined => optionalText(platform, name, subject, longestText)
  const [variant, osVersion] = [text('variant'), text('os.version')]
  return {
    os: text('os') ?? '',
    architecture: text('architecture') ?? '',
    ...(variant !== undefined && { variant }),
    ...(osVersion !== undefined && { osVersion }),
  }
}

/**
 * Members in the order of Go's struct, so that a Go program which reads and writes them changes no digest.
 */
export function descriptorJson(descriptor: Descriptor): JsonValue {
  const { mediaType, size, digest, urls, annotations, platform, artifactType } = descriptor
  return {
    mediaType,
    size,
    digest,
    ...(urls !== undefined && urls.length > 0 && { urls }),
    ...(annotations !== undefined && isFilled(annotations) && { annotations: sortedMembers(annotations) }),
    ...(platform !== undefined && {
      platform: {
        architecture: platform.architecture,
        os: platform.os,
        ...(platform.osVersion !== undefined && { 'os.version': platform.osVersion }),
        ...(platform.variant !== undefined && { variant: platform.variant }),
      },
    }),
    ...(artifactType !== undefined && { artifactType }),
  }
}

export function isFilled(texts: Readonly<Record<string, string>>): boolean {
  return Object.keys(texts).length > 0
}

/** `os/architecture[/variant]`, as in `linux/arm64`. Throws {@link OciError} `bad_reference`. */
export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant, more] = text.slice(0, 200).split('/')
  if (os === '' || architecture === '' || variant === '' || more !== undefined)
    throw new OciError(
      'bad_reference',
      `${quoted(text)} is no platform; write it as linux/amd64 or linux/arm/v7`,
    )
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}

/** A platform without variant is wanted in each of its variants. */
export function isPlatform(descriptor: Descriptor, wanted: Platform): boolean {
  const { platform } = descriptor
  return (
    platform?.os === wanted.os &&
    platform.architecture === wanted.architecture &&
    (wanted.variant === undefined || platform.variant === wanted.variant)
  )
}
