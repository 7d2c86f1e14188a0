/** Where the processor time of the stack's process went, from the profile that Node writes when it ends (`--cpu-prof`). */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Report } from './report.ts'

type ProfileNode = {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children?: readonly number[]
}

export type Profile = {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

/** A sample belongs to the area of the first of its frames, counted from the innermost, that is in one. */
const areas: readonly (readonly [name: string, source: RegExp])[] = [
  ['CA: token and its signature', /ca\/src\/(adapters\/issuer-keys|token)/],
  ['CA: identity and policy', /ca\/src\/identity/],
  ['CA: key and its strength', /ca\/src\/issuance\/requested-key/],
  ['CA: asking the CT log', /ca\/src\/adapters\/(ct-log-client|http-pool)|\/undici\/|\/wasm\//],
  ['CA: precertificate, certificate, own check', /ca\/src\/issuance/],
  ['audit and logs', /ca\/src\/audit|\/pino\/|sonic-boom/],
  ['log: database client', /packages\/postgres|\/pg(-\w+)?\/|pg-protocol/],
  ['log: tree and batches', /packages\/(log-engine|merkle)/],
  ['log: entries and promises', /services\/log/],
  [
    'HTTP and sockets',
    /\/fastify\/|find-my-way|packages\/server|ca\/src\/|prom-client|node:(_?http|net|internal\/streams?)/,
  ],
  // Work that comes back from a thread or a queue has lost who asked for it.
  ['signatures made', /crypto\/src\/sign|packages\/signers/],
  ['signatures checked', /crypto\/src\/verify/],
  ['certificates built and read', /packages\/(x509|ct|crypto)/],
]

const collector = '(garbage collector)'
const starting = /node:internal\/(modules|process\/esm)|amaro/

/** Shares of the time in which it did anything but start, largest first. */
export function sharesOf({ nodes, samples, timeDeltas }: Profile): readonly (readonly [string, number])[] {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const areaOf = (sample: number): string | undefined => {
    const innermost = byId.get(sample)?.callFrame.functionName
    if (innermost === '(idle)') return undefined
    if (innermost === collector) return 'garbage collection'
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) {
      const url = byId.get(id)?.callFrame.url ?? ''
      if (starting.test(url)) return undefined
      const found = areas.find(([, source]) => source.test(url))
      if (found !== undefined) return found[0]
    }
    return 'the rest of Node'
  }
  const times = new Map<string, number>()
  for (const [i, sample] of samples.entries()) {
    const area = areaOf(sample)
    if (area !== undefined) times.set(area, (times.get(area) ?? 0) + (timeDeltas[i] ?? 0))
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0)
  return [...times].map(([area, time]) => [area, time / total] as const).sort((a, b) => b[1] - a[1])
}

/** Of the thread that had most to do: every thread of the stack leaves a profile in `folder`, those that verify or search too. */
export async function sayProfile(folder: string, report: Report): Promise<void> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'))
  const profiles = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(path.join(folder, name), 'utf8')) as Profile),
  )
  const [busiest] = profiles.sort((a, b) => busyTime(b) - busyTime(a))
  if (busiest === undefined) throw new Error(`the stack left no profile in ${folder}`)
  report.say('\nprofile     of the processor time of the stack’s busiest thread, without its start')
  const shares = sharesOf(busiest)
  for (const [area, share] of shares) report.say(`  ${(100 * share).toFixed(1).padStart(5)} %  ${area}`)
  report.keep({ kind: 'profile', shares: Object.fromEntries(shares) })
}

function busyTime({ nodes, samples, timeDeltas }: Profile): number {
  const idle = new Set(
    nodes.filter(({ callFrame }) => callFrame.functionName === '(idle)').map(({ id }) => id),
  )
  return samples.reduce((sum, sample, i) => (idle.has(sample) ? sum : sum + (timeDeltas[i] ?? 0)), 0)
}
