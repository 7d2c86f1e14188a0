/** `npm run differential -- tsa`: our timestamp authority beside Sigstore's. */
import path from 'node:path'
import { writeStampingKey } from '../../support/upstream/stamping-key.ts'
import { installTool } from '../../support/upstream/tools.ts'
import { createComparer } from '../comparer.ts'
import type { Comparison, ComparisonOptions } from '../report.ts'
import { answerFacts } from './answer-facts.ts'
import { allCases } from './cases.ts'
import { knownTsaDifferences } from './known-differences.ts'
import { measureStamps } from './measure.ts'
import { type Manner, manners, startOurs, startUpstream } from './servers.ts'

export async function compareTsa(options: ComparisonOptions): Promise<Comparison> {
  const { workshop, onProgress } = options
  const { command, version } = await installTool(workshop, 'timestamp-server')
  const compared: Awaited<ReturnType<typeof compareIn>>[] = []
  // One after the other: upstream's server has one port for its metrics.
  for (const [turn, manner] of manners.entries()) {
    onProgress(`starting ours and timestamp-server ${version}: ${manner.name}`)
    compared.push(await compareIn(manner, { ...options, command, measures: turn === 0 }))
  }
  const sum = (of: 'requests' | 'facts') => compared.reduce((total, each) => total + each[of], 0)
  return {
    dialect: 'tsa',
    upstream: `timestamp-server ${version}`,
    requests: sum('requests'),
    facts: sum('facts'),
    differences: compared.flatMap(({ differences }) => differences),
    known: knownTsaDifferences,
    measured: compared.flatMap(({ measured }) => measured),
  }
}

async function compareIn(
  manner: Manner,
  options: ComparisonOptions & { readonly command: string; readonly measures: boolean },
) {
  const { signal, onProgress, seconds, command, measures } = options
  const folder = path.join(options.folder, manner.curve)
  await using running = new AsyncDisposableStack()
  const key = await writeStampingKey(folder, manner.curve)
  const ours = await startOurs(folder, key, manner)
  running.defer(() => ours.stop())
  const upstream = await startUpstream(folder, command, key, manner)
  running.defer(() => upstream.stop())
  const cases = allCases()
  onProgress(`sending ${cases.length} requests to each`)
  const { compare, result } = createComparer(ours, upstream, signal)
  for (const { name, request } of cases)
    await compare({
      name: `${manner.name}: ${name}`,
      request: () => request,
      factsOf: (answer) => answerFacts(answer, { key, now: new Date() }),
    })
  const measured =
    measures && seconds > 0 ? await measureStamps({ ours, upstream, seconds, signal, onProgress }) : []
  return { ...result(), measured }
}
