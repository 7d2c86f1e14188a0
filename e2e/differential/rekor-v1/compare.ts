/** `npm run differential -- rekor-v1`: our log beside Rekor. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Comparer, createComparer } from '../comparer.ts'
import type { Answer } from '../exchange.ts'
import type { Comparison, ComparisonOptions } from '../report.ts'
import { answerFacts } from './answer-facts.ts'
import { type Case, entryCases, proposed, type SharedEntry, searchCases } from './cases.ts'
import { frameCases } from './frame-cases.ts'
import { knownRekorDifferences } from './known-differences.ts'
import { measureAppends } from './measure.ts'
import { mutationsOf } from './mutations.ts'
import { allProposals } from './proposals.ts'
import { retrieveCases, searchQueries } from './query-cases.ts'
import { entryReads, logCases } from './read-cases.ts'
import { installRekor, startOurs, startUpstream } from './servers.ts'
import { openSide, type Side } from './side.ts'
import type { NamedProposal } from './vectors.ts'

/** Both logs write their search index behind the answer. */
const indexDelayMs = 2000

export async function compareRekor(options: ComparisonOptions): Promise<Comparison> {
  const { workshop, folder, onProgress, seconds, signal } = options
  const tools = await installRekor(workshop)
  const name = `rekor-server ${tools.rekor.version} on trillian ${tools.logServer.version}`
  await using running = new AsyncDisposableStack()
  onProgress(`starting our log and ${name}`)
  const upstreamServer = await startUpstream({ workshop, tools, folder })
  running.defer(() => upstreamServer.stop())
  const ourServer = await startOurs(folder)
  running.defer(() => ourServer.stop())
  const ours = await openSide(ourServer.url)
  const upstream = await openSide(upstreamServer.url)

  const compared = await compareLogs(ours, upstream, { onProgress, signal })
  return {
    dialect: 'rekor-v1',
    upstream: name,
    ...compared,
    known: knownRekorDifferences,
    measured: seconds === 0 ? [] : await measureAppends({ ours, upstream, seconds, onProgress }),
  }
}

async function compareLogs(
  ours: Side,
  upstream: Side,
  { onProgress, signal }: Pick<ComparisonOptions, 'onProgress' | 'signal'>,
): Promise<ReturnType<Comparer<Side>['result']>> {
  const comparer = createComparer(ours, upstream, signal)
  const isShared = (leafHash: string): boolean =>
    ours.leafHashes.has(leafHash) && upstream.leafHashes.has(leafHash)
  const compare = (asked: Case) =>
    comparer.compare({ ...asked, factsOf: (answer, side) => answerFacts(answer, side, isShared) })

  const proposals = allProposals()
  const altered = proposals.filter(({ isExample }) => isExample).flatMap(mutationsOf)
  onProgress(`sending ${proposals.length} proposals, and ${altered.length} altered ones, to each`)
  const shared: SharedEntry[] = []
  for (const proposal of proposals) {
    const [mine, theirs] = await compare(proposed(proposal))
    if (mine.status === 201 && theirs.status === 201) {
      shared.push(sharedEntry(proposal, [ours, mine], [upstream, theirs]))
    }
  }
  for (const proposal of altered) await compare(proposed(proposal))

  onProgress(`reading and searching ${shared.length} entries that both have, and what neither has`)
  await sleep(indexDelayMs)
  const [first] = shared
  if (first === undefined) throw new Error('no proposal was accepted by both logs')
  const reads = [
    ...shared.flatMap(entryCases),
    ...shared.flatMap(searchCases),
    ...logCases(),
    ...entryReads(first),
    ...retrieveCases(first),
    ...searchQueries(),
    ...frameCases(first.proposal),
  ]
  for (const read of reads) await compare(read)
  for (const { url, checker } of [ours, upstream]) await checker.confront(url)
  return comparer.result()
}

type AnsweredEntry = { readonly body: string; readonly logIndex: number }

function sharedEntry(proposal: NamedProposal, ...answers: readonly [Side, Answer][]): SharedEntry {
  const indexes = new Map<Side, number>()
  let shared = { leafHash: '', body: '' }
  for (const [side, answer] of answers) {
    const entries = JSON.parse(answer.body.toString()) as Record<string, AnsweredEntry>
    for (const [id, { body, logIndex }] of Object.entries(entries)) {
      indexes.set(side, logIndex)
      shared = { leafHash: id.slice(side.treeHex.length), body: Buffer.from(body, 'base64').toString() }
    }
  }
  return { ...proposal, ...shared, indexOf: (side) => indexes.get(side) ?? -1 }
}
