/** Appends to our log of Rekor v2 beside those to upstream's and those to our log of Rekor v1: proof and checkpoint in each answer. */
import path from 'node:path'
import { closedLoop, openLoop } from '../../support/load.ts'
import { startRekorTiles } from '../../support/upstream/rekor-tiles.ts'
import { installTool } from '../../support/upstream/tools.ts'
import { type Answers, createAnswers } from '../bench-context.ts'
import { openAppender } from '../scenarios/appends.ts'
import { createV2Answers, openV2, v2LogOf } from '../scenarios/rekor-v2.ts'
import { holdContest, type Side } from './contest.ts'
import type { PeerContext } from './peers.ts'

type LogSide = Side & {
  readonly url: URL
  readonly answers: Answers
  /** Enough for the rate: upstream answers when its next checkpoint is there, once a second. */
  readonly connections: number
  prepare(count: number): () => Buffer | undefined
}

const hostname = '127.0.0.1'
const mostPerSecond = 6_000

export async function besideRekorTiles(context: PeerContext): Promise<void> {
  const { bench, pids, workshop, folder, running, seconds, rounds, clients: allClients, rates } = context
  const { command, version } = await installTool(workshop, 'rekor-tiles')
  const tiles = await startRekorTiles({
    command,
    folder: path.join(folder, 'rekor-tiles'),
    hostname,
    bodyLimitBytes: 256 * 1024,
  })
  running.defer(() => tiles.stop())
  const v1 = await openAppender(bench, 'hashedrekord')
  const v2 = await openV2(bench)
  const upstream = await openV2(bench, tiles.url)
  const sides: readonly [LogSide, ...LogSide[]] = [
    {
      ...v2,
      name: 'Rekor v2, ours',
      pids,
      answers: createV2Answers(await v2LogOf(v2.url.origin)),
      connections: 64,
    },
    {
      ...v1,
      name: 'Rekor v1, ours, with SET',
      pids,
      answers: await createAnswers(v1.url.origin),
      connections: 64,
    },
    {
      ...upstream,
      name: `rekor-tiles ${version}`,
      pids: [tiles.pid],
      answers: createV2Answers({ origin: hostname, publicKey: tiles.publicKey }),
      connections: 2_048,
    },
  ]
  const loadOf = ({ url, prepare, answers }: LogSide, perSecond: number) => ({
    url,
    seconds,
    status: 201,
    next: prepare(seconds * perSecond),
    faultOf: answers.faultOf,
  })
  await holdContest({
    title: `rekor-tiles   hashedrekord with a certificate, POSIX storage, batches of 10 ms, checkpoints each second`,
    sides,
    loads: [
      ...allClients.map((clients) => ({
        name: `${clients} clients, ${seconds} s each`,
        run: (side: LogSide) => closedLoop({ ...loadOf(side, mostPerSecond), clients }),
      })),
      ...rates.map((perSecond) => ({
        name: `open loop, ${perSecond}/s, ${seconds} s each`,
        run: (side: LogSide) =>
          openLoop({ ...loadOf(side, perSecond), perSecond, connections: side.connections }),
      })),
    ],
    rounds,
    report: bench.report,
  })
  for (const { name, answers } of sides)
    bench.report.say(`  verified ${await answers.verify()} of the answers of ${name}`)
}
