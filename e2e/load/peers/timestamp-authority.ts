/** Stamps of ours beside those of upstream's timestamp authority, P-256, with nonce and certificate. */
import path from 'node:path'
import { closedLoop, openLoop } from '../../support/load.ts'
import { stampRequests } from '../../support/requests.ts'
import { writeStampingKey } from '../../support/upstream/stamping-key.ts'
import { startTimestampServer } from '../../support/upstream/timestamp-server.ts'
import { installTool } from '../../support/upstream/tools.ts'
import { holdContest, type Side } from './contest.ts'
import type { PeerContext } from './peers.ts'

type StampSide = Side & { readonly url: URL; next(): Buffer | undefined }

export async function besideTimestampAuthority(context: PeerContext): Promise<void> {
  const { bench, pids, workshop, folder, running, seconds, rounds, clients: allClients, rates } = context
  const { tsa } = bench.stack().endpoints.services
  if (tsa === undefined) throw new Error('this stack has no timestamp authority')
  const { command, version } = await installTool(workshop, 'timestamp-server')
  const own = path.join(folder, 'timestamp-authority')
  const upstream = await startTimestampServer({
    command,
    folder: own,
    key: await writeStampingKey(own, 'P-256'),
    defaultPolicy: '1.3.6.1.4.1.57264.2',
    acceptedPolicies: [],
    bodyLimitBytes: 64 * 1024,
    includesChain: false,
    successStatus: 200,
  })
  running.defer(() => upstream.stop())
  const sideOf = (name: string, base: string, of: readonly number[]): StampSide => {
    const url = new URL('/api/v1/timestamp', base)
    return { name, pids: of, url, next: stampRequests(url, { certificates: true, hasNonce: true }) }
  }
  const loadOf = ({ url, next }: StampSide) => ({ url, next, seconds, status: 200 })
  await holdContest({
    title: 'stamps        P-256, with nonce and certificate; ours verifies each before it leaves',
    sides: [
      sideOf('ours', tsa, pids),
      sideOf(`timestamp-authority ${version}`, upstream.url, [upstream.pid]),
    ],
    loads: [
      ...allClients.map((clients) => ({
        name: `${clients} clients, ${seconds} s each`,
        run: (side: StampSide) => closedLoop({ ...loadOf(side), clients }),
      })),
      ...rates.map((perSecond) => ({
        name: `open loop, ${perSecond}/s, ${seconds} s each`,
        run: (side: StampSide) => openLoop({ ...loadOf(side), perSecond, connections: 64 }),
      })),
    ],
    rounds,
    report: bench.report,
  })
}
