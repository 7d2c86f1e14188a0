/** An in-toto statement that the log has kept beside an entry, as far as it is shown. */
import { isObject, memberAt, parseBoundedJson, parseUtf8 } from '@sigstack/crypto'
import { textAt } from '../text-at.ts'
import type { Fact } from './body.ts'

export type ShownStatement = {
  readonly predicateType: string
  readonly subjects: readonly { readonly name: string; readonly digests: readonly string[] }[]
  readonly moreSubjects: number
  /** What provenance says of the build. */
  readonly build: readonly Fact[]
  /** Laid out; cut where it is long. */
  readonly predicate: string
  readonly isCut: boolean
}

/** Longer ones are for a download. */
export const longestShown = 65_536
const mostSubjects = 100

/** Undefined where it is no statement. */
export function readStatement(bytes: Uint8Array): ShownStatement | undefined {
  let json: unknown
  try {
    json = parseBoundedJson(parseUtf8(bytes) ?? '')
  } catch {
    return undefined
  }
  const type = textAt(json, '_type')
  if (type?.startsWith('https://in-toto.io/Statement/') !== true) return undefined
  const subjects = memberAt(json, 'subject')
  const list: readonly unknown[] = Array.isArray(subjects) ? subjects : []
  const laidOut = JSON.stringify(memberAt(json, 'predicate'), undefined, 2) ?? ''
  return {
    predicateType: textAt(json, 'predicateType') ?? '',
    subjects: list.slice(0, mostSubjects).map(subjectOf),
    moreSubjects: Math.max(0, list.length - mostSubjects),
    build: buildOf(memberAt(json, 'predicate')),
    predicate: laidOut.slice(0, longestShown),
    isCut: laidOut.length > longestShown,
  }
}

function subjectOf(subject: unknown): ShownStatement['subjects'][number] {
  const digest = memberAt(subject, 'digest')
  const digests = isObject(digest) ? Object.entries(digest).slice(0, 10) : []
  return {
    name: textAt(subject, 'name') ?? '',
    digests: digests.map(([algorithm, value]) => `${algorithm}:${String(value).slice(0, 512)}`),
  }
}

/** SLSA provenance 1 and 0.2. */
function buildOf(predicate: unknown): readonly Fact[] {
  const places: readonly (readonly [string, ...(readonly string[])[]])[] = [
    ['Built by', ['runDetails', 'builder', 'id'], ['builder', 'id']],
    ['Type of the build', ['buildDefinition', 'buildType'], ['buildType']],
    ['The run', ['runDetails', 'metadata', 'invocationId'], ['metadata', 'buildInvocationID']],
    [
      'Source',
      ['buildDefinition', 'externalParameters', 'workflow', 'repository'],
      ['invocation', 'configSource', 'uri'],
    ],
    [
      'Entry point',
      ['buildDefinition', 'externalParameters', 'workflow', 'path'],
      ['invocation', 'configSource', 'entryPoint'],
    ],
  ]
  return places.flatMap(([name, ...paths]) => {
    const value = paths.map((path) => textAt(predicate, ...path)).find((text) => text !== undefined)
    return value === undefined || value.length > 2_048 ? [] : [{ name, value }]
  })
}
