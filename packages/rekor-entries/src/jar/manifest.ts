/** JAR manifests and signature files (JAR File Specification, "JAR Manifest"): sections of names and values. */
import { createHash } from 'node:crypto'
import { asBuffer, escaped } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { spendForHashing } from '../work.ts'

/** Names in lower case: they are compared without case. */
export type Attributes = ReadonlyMap<string, string>

export type Section = {
  readonly attributes: Attributes
  /** As it stands, with the empty line that ends it: what a signature file has the digest of. */
  readonly bytes: Uint8Array
}

export type Manifest = {
  readonly main: Section
  readonly files: ReadonlyMap<string, Section>
}

/** A digest that a section holds, in Node's name of the algorithm and in base64. */
export type NamedDigest = { readonly name: string; readonly algorithm: string; readonly value: string }

/** By every spelling in use, in lower case. */
const algorithms: ReadonlyMap<string, string> = new Map(
  ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].flatMap((algorithm) => [
    [algorithm, algorithm],
    [algorithm.replace('sha', 'sha-'), algorithm],
  ]),
)

/** Throws `bad_format`. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const [first, ...rest] = splitSections(asBuffer(bytes))
  if (first === undefined) throw malformed('manifest has no sections')
  const files = new Map<string, Section>()
  for (const section of rest.map(parseSection)) {
    const name = section.attributes.get('name') ?? ''
    if (name === '') throw malformed('manifest has section with no "Name" attribute')
    files.set(name, section)
  }
  return { main: parseSection(first), files }
}

/**
 * The digests among `attributes` whose names end in `-Digest` and `suffix`: of a file, of the manifest, of its main section. An
 * algorithm that is not known is refused rather than passed over, and so is one that comes twice.
 */
export function digestsIn(attributes: Attributes, suffix: string): readonly NamedDigest[] {
  const ending = `-digest${suffix.toLowerCase()}`
  const digests = new Map<string, NamedDigest>()
  for (const [name, value] of attributes) {
    if (!name.endsWith(ending)) continue
    const spelling = name.slice(0, -ending.length)
    const algorithm = algorithms.get(spelling)
    if (algorithm === undefined)
      throw malformed(`unknown digest key in manifest: ${escaped(spelling.toUpperCase(), 100)}`)
    if (digests.has(algorithm)) throw malformed(`two digests of one algorithm in manifest: ${algorithm}`)
    digests.set(algorithm, { name, algorithm, value })
  }
  return [...digests.values()]
}

/** Whether every digest is that of `bytes`; false for no digest at all. Throws `bad_format` for a wrong one. */
export function matchDigests(digests: readonly NamedDigest[], bytes: Uint8Array, what: string): boolean {
  for (const digest of digests) {
    spendForHashing(bytes)
    assertDigest(digest, createHash(digest.algorithm).update(bytes).digest(), what)
  }
  return digests.length > 0
}

export function assertDigest({ name, value }: NamedDigest, calculated: Uint8Array, what: string): void {
  const text = asBuffer(calculated).toString('base64')
  if (text !== value)
    throw malformed(`${what}: ${escaped(name)} mismatch: manifest ${escaped(value)} != calculated ${text}`)
}

/** An empty line ends each section, also the last one; more than one is not allowed. */
function splitSections(manifest: Buffer): readonly Buffer[] {
  const sections: Buffer[] = []
  const separator = Buffer.from(manifest.includes('\r\n\r\n') ? '\r\n\r\n' : '\n\n')
  for (let at = 0; at < manifest.length; ) {
    const found = manifest.indexOf(separator, at)
    const end = found + separator.length
    if (found === -1 || isBlank(manifest.subarray(at, end)))
      throw malformed('manifest has incorrect line ending sequence')
    sections.push(manifest.subarray(at, end))
    at = end
  }
  return sections
}

function isBlank(section: Buffer): boolean {
  return section.every((byte) => byte === 0x0a || byte === 0x0d || byte === 0x20)
}

function parseSection(bytes: Buffer): Section {
  const attributes = new Map<string, string>()
  // A line that begins with a space continues the one before, also within a character.
  const text = Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n').replaceAll('\n ', ''), 'latin1')
  for (const line of text.toString('utf8').split('\n')) {
    if (line === '') continue
    const colon = line.indexOf(':')
    if (colon === -1) throw malformed('jar manifest is malformed')
    attributes.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return { attributes, bytes }
}

export function malformed(reason: string): EntryError {
  return new EntryError('bad_format', reason)
}
