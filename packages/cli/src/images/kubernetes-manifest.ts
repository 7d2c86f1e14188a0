/** The images that resources of Kubernetes run, wherever a pod stands in them. */
import { isObject } from '@sigstack/crypto'
import { parseAllDocuments } from 'yaml'
import { CliError } from '../errors.ts'

const mostDocuments = 10_000
const deepestList = 4

/** In order, as often as they are named. */
export function imagesOfManifest(text: string): readonly string[] {
  const documents = parseAllDocuments(text)
  if (!Array.isArray(documents)) return []
  if (documents.length > mostDocuments)
    throw new CliError('unreadable', `the manifest holds more than ${mostDocuments} documents`)
  return documents.flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw undecodable(error)
    try {
      // Aliases that grow without bound are refused by the library.
      return imagesIn(document.toJS(), 0)
    } catch (cause) {
      if (cause instanceof CliError) throw cause
      throw undecodable(cause)
    }
  })
}

function imagesIn(resource: unknown, depth: number): readonly string[] {
  const { items, spec } = membersOf(resource)
  if (depth > deepestList)
    throw new CliError('unreadable', `the manifest holds lists more than ${deepestList} deep`)
  if (Array.isArray(items)) return items.flatMap((item) => imagesIn(item, depth + 1))
  const { template, jobTemplate } = membersOf(spec)
  const jobs = membersOf(membersOf(jobTemplate)['spec'])['template']
  return [spec, membersOf(template)['spec'], membersOf(jobs)['spec']].flatMap(imagesOfPod)
}

function imagesOfPod(pod: unknown): readonly string[] {
  const { initContainers, containers, ephemeralContainers, volumes } = membersOf(pod)
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
