/**
 * The images that resources of Kubernetes run, wherever a pod stands in them. YAML is read as kubectl reads it, which merges `<<`;
 * what other readers take for something else is an error, since an image that is overlooked is one that nobody verifies.
 */
import { isObject, quoted } from '@sigstack/crypto'
import { type Document, isScalar, type ParsedNode, parseAllDocuments, visit } from 'yaml'
import { CliError } from '../errors.ts'

const mostDocuments = 10_000
/** Pods in resources of any kind, and in lists of them, stand higher. */
const deepest = 64
const plainTags = ['str', 'map', 'seq', 'int', 'float', 'bool', 'null'].map(
  (name) => `tag:yaml.org,2002:${name}`,
)

/** In order, as often as they are named. */
export function imagesOfManifest(text: string): readonly string[] {
  // The library would compare every name with every other.
  const documents = parseAllDocuments(text, { merge: true, uniqueKeys: false })
  if (!Array.isArray(documents)) return []
  if (documents.length > mostDocuments)
    throw new CliError('unreadable', `the manifest holds more than ${mostDocuments} documents`)
  return documents.flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw undecodable(error)
    assertPlain(document)
    try {
      // Aliases that grow without bound are refused by the library.
      return imagesIn(document.toJS(), 0)
    } catch (cause) {
      if (cause instanceof CliError) throw cause
      throw undecodable(cause)
    }
  })
}

/** Names are texts, each once, and values of the types of JSON. */
function assertPlain(document: Document.Parsed<ParsedNode>): void {
  visit(document, {
    Value: (_, { tag }) => assertTag(tag),
    Map: (_, { tag, items }) => {
      assertTag(tag)
      const names = new Set<string>()
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : undefined
        if (name === undefined) throw new CliError('unreadable', 'a name in the manifest is no text')
        if (names.has(name))
          throw new CliError('unreadable', `the manifest holds ${quoted(name, 100)} twice in one place`)
        names.add(name)
      }
    },
  })
}

function assertTag(tag: string | undefined): void {
  if (tag === undefined || plainTags.includes(tag)) return
  throw new CliError('unreadable', `the manifest holds a value of the type ${quoted(tag, 100)}`)
}

function imagesIn(value: unknown, depth: number): readonly string[] {
  if (depth > deepest) throw new CliError('unreadable', `the manifest is more than ${deepest} levels deep`)
  if (Array.isArray(value)) return value.flatMap((item) => imagesIn(item, depth + 1))
  if (!isObject(value)) return []
  return [...imagesOfPod(value), ...Object.values(value).flatMap((member) => imagesIn(member, depth + 1))]
}

/** Nothing of what is no pod. */
function imagesOfPod(pod: Readonly<Record<string, unknown>>): readonly string[] {
  const { initContainers, containers, ephemeralContainers, volumes } = pod
  const run = [initContainers, containers, ephemeralContainers]
    .flatMap((each): readonly unknown[] => (Array.isArray(each) ? each : []))
    .map((container) => membersOf(container)['image'])
  const mounted = (Array.isArray(volumes) ? (volumes as readonly unknown[]) : []).map(
    (volume) => membersOf(membersOf(volume)['image'])['reference'],
  )
  return [...run, ...mounted].filter((image) => typeof image === 'string' && image !== '') as string[]
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {}
}

function undecodable(cause: unknown): CliError {
  return new CliError('unreadable', 'unable to decode the manifest', { cause })
}
