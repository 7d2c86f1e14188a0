/** Bundles (sigstore_bundle.proto) from text, bounded and strict: a member nobody knows is refused, as by cosign. */
import { type Bundle, bundleFromJSON, bundleToJSON, ValidationError } from '@sigstore/bundle'
import { CliError } from '../errors.ts'

const limitCharacters = 32 << 20
const maximumEntries = 32

export function readBundle(text: string): Bundle {
  if (text.length > limitCharacters) throw bad('it is too large')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw bad('it is not JSON', cause)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw bad('it is not a JSON object')
  refuseLengths(json)
  let bundle: Bundle
  try {
    bundle = bundleFromJSON(json)
  } catch (cause) {
    const wrong =
      cause instanceof ValidationError ? `${cause.message} (${cause.fields.join(', ')})` : undefined
    throw bad(wrong ?? 'a member has the wrong form', cause)
  }
  const stranger = unknownMember(json, bundleToJSON(bundle), '')
  if (stranger !== undefined) throw bad(`${stranger} is not a known member`)
  const { tlogEntries, timestampVerificationData } = bundle.verificationMaterial
  if (tlogEntries.length > maximumEntries) throw bad(`it has more than ${maximumEntries} log entries`)
  if ((timestampVerificationData?.rfc3161Timestamps.length ?? 0) > maximumEntries) {
    throw bad(`it has more than ${maximumEntries} timestamps`)
  }
  return bundle
}

/** Of an object with a length the library makes bytes, as many as it says: a short text could ask for gigabytes. */
function refuseLengths(json: object): void {
  const open = [json]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (!Array.isArray(next) && Object.hasOwn(next, 'length')) throw bad('length is not a known member')
    for (const value of Object.values(next) as unknown[])
      if (typeof value === 'object' && value !== null) open.push(value)
  }
}

/** The first member of `given` that did not survive being read, unless it says no more than its absence would. */
function unknownMember(given: unknown, understood: unknown, path: string): string | undefined {
  if (Array.isArray(given)) {
    const items: readonly unknown[] = Array.isArray(understood) ? understood : []
    return firstOf(given.map((item: unknown, i) => () => unknownMember(item, items[i], `${path}[${i}]`)))
  }
  if (typeof given !== 'object' || given === null) return undefined
  const known: Readonly<Record<string, unknown>> =
    typeof understood === 'object' && understood !== null ? { ...understood } : {}
  return firstOf(
    Object.entries(given).map(([spelling, value]: [string, unknown]) => () => {
      const name = spelling.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      const place = path === '' ? spelling : `${path}.${spelling}`
      if (Object.hasOwn(known, name)) return unknownMember(value, known[name], place)
      return saysNothing(value) ? undefined : place
    }),
  )
}

function firstOf(searches: readonly (() => string | undefined)[]): string | undefined {
  for (const search of searches) {
    const found = search()
    if (found !== undefined) return found
  }
  return undefined
}

/** Defaults are left out when a bundle is written, so they cannot be told from unknown members, and do no harm. */
function saysNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(saysNothing)
  return (
    value === null || value === undefined || value === '' || value === 0 || value === '0' || value === false
  )
}

function bad(complaint: string, cause?: unknown): CliError {
  return new CliError('bad_bundle', `the bundle cannot be read: ${complaint}`, { cause })
}
