/** `npm run differential -- cosign`: the same command lines to our tool and to cosign. */
import { appendFile } from 'node:fs/promises'
import path from 'node:path'
import { installTool } from '../../support/upstream/tools.ts'
import { compareFacts, type Difference } from '../facts.ts'
import type { Comparison, ComparisonOptions } from '../report.ts'
import { factsOfRun, filesIn } from './facts-of-run.ts'
import { knownCosignDifferences } from './known-differences.ts'
import { lines, nameOf } from './lines.ts'
import { startSides } from './sides.ts'

export async function compareCosign(options: ComparisonOptions): Promise<Comparison> {
  const { workshop, folder, signal, onProgress } = options
  const { command, version } = await installTool(workshop, 'cosign-v3')
  onProgress(`starting a stack and a registry for cosign ${version} and our tool`)
  const sides = await startSides({ workshop, folder, cosign: command })
  const differences: Difference[] = []
  let facts = 0
  try {
    onProgress(`${lines.length} command lines`)
    for (const line of lines) {
      signal.throwIfAborted()
      const name = nameOf(line)
      const [ours, upstream] = await Promise.all(
        [sides.ours, sides.upstream].map(async (side) => {
          const before = await filesIn(side.folder)
          const ended = await side.run(line)
          const found = factsOfRun(ended, side, [before, await filesIn(side.folder)], sides.images)
          return { ended, found }
        }),
      )
      if (ours === undefined || upstream === undefined) throw new Error('there are two sides')
      facts += ours.found.size
      differences.push(...compareFacts(name, ours.found, upstream.found))
      const told = { line: name, ours: ours.ended, cosign: upstream.ended }
      await appendFile(path.join(folder, 'transcript.jsonl'), `${JSON.stringify(told)}\n`)
    }
  } finally {
    await sides.stop()
  }
  return {
    dialect: 'cosign',
    upstream: `cosign ${version}`,
    requests: lines.length,
    facts,
    differences,
    known: knownCosignDifferences,
    measured: [],
  }
}
