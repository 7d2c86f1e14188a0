/** `npm run differential -- rekor-v2`: our log beside upstream's of Rekor v2, with its POSIX backend. */

import { installTool } from '../../support/upstream/tools.ts'
import { createComparer } from '../comparer.ts'
import type { Comparison, ComparisonOptions } from '../report.ts'
import { answerFacts } from './answer-facts.ts'
import { allCases } from './cases.ts'
import { knownRekorV2Differences } from './known-differences.ts'
import { startOurs, startUpstream } from './servers.ts'

export async function compareRekorV2(options: ComparisonOptions): Promise<Comparison> {
  const { workshop, folder, onProgress, signal } = options
  const { command, version } = await installTool(workshop, 'rekor-tiles')
  const name = `rekor-tiles ${version}`
  onProgress(`starting our log and ${name}`)
  await using running = new AsyncDisposableStack()
  const upstream = await startUpstream(folder, command)
  running.defer(() => upstream.stop())
  const ours = await startOurs(folder)
  running.defer(() => ours.stop())
  const cases = allCases()
  onProgress(`sending ${cases.length} requests to each, one after the other`)
  const { compare, result } = createComparer(ours, upstream, signal)
  for (const asked of cases)
    await compare({ name: asked.name, request: () => asked.request, factsOf: answerFacts })
  return { dialect: 'rekor-v2', upstream: name, ...result(), known: knownRekorV2Differences, measured: [] }
}
