/** `npm run differential -- ca`: our certificate authority beside Fulcio. */

import { installTool } from '../../support/upstream/tools.ts'
import { createComparer } from '../comparer.ts'
import type { Comparison, ComparisonOptions } from '../report.ts'
import { answerFacts } from './answer-facts.ts'
import { allCases } from './cases.ts'
import { createKeyRing } from './keys.ts'
import { knownCaDifferences } from './known-differences.ts'
import { startOurs, startUpstream, writeIssuerConfiguration } from './servers.ts'
import { startTokenIssuer } from './token-issuer.ts'

export async function compareCa(options: ComparisonOptions): Promise<Comparison> {
  const { workshop, folder, signal, onProgress } = options
  const { command, version } = await installTool(workshop, 'fulcio')
  await using running = new AsyncDisposableStack()
  const issuer = await startTokenIssuer()
  running.defer(() => issuer.stop())
  const configFile = await writeIssuerConfiguration(folder, issuer)
  onProgress(`starting our stack and fulcio ${version}`)
  const ours = await startOurs({ folder, configFile, issuer })
  running.defer(() => ours.stop())
  const upstream = await startUpstream({ folder, configFile, command })
  running.defer(() => upstream.stop())

  const cases = allCases({ issuer, keys: createKeyRing() })
  onProgress(`sending ${cases.length} requests to each`)
  const { compare, result } = createComparer(ours, upstream, signal)
  for (const { name, request, spki } of cases) {
    await compare({
      name,
      request: () => request,
      factsOf: (answer, { logId }) => answerFacts(answer, { spki, logId, now: new Date() }),
    })
  }
  return {
    dialect: 'ca',
    upstream: `fulcio ${version}`,
    ...result(),
    known: knownCaDifferences,
    measured: [],
  }
}
