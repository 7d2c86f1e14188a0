/** Stamps of both authorities, in turns of a second, so that what the machine does meanwhile falls on both alike. */

import { closedLoop, type LoadResult, openLoop } from '../../support/load.ts'
import { median } from '../../support/median.ts'
import { stampRequests } from '../../support/requests.ts'
import { stampPath } from './case.ts'
import type { StampServer } from './servers.ts'

const clients = 64
const perSecond = 1000

export async function measureStamps(options: {
  readonly ours: StampServer
  readonly upstream: StampServer
  /** Of each server in each of the two measurements. */
  readonly seconds: number
  readonly signal: AbortSignal
  readonly onProgress: (message: string) => void
}): Promise<readonly string[]> {
  const { ours, upstream, seconds, signal, onProgress } = options
  onProgress(`measuring stamps: ${seconds} s each, closed and open loop`)
  const load = ({ url: base }: StampServer) => {
    const url = new URL(stampPath, base)
    return { url, seconds: 1, status: 200, next: stampRequests(url, { certificates: true, hasNonce: true }) }
  }
  const inTurns = async (run: (server: StampServer) => Promise<LoadResult>) => {
    const results: { ours: LoadResult[]; upstream: LoadResult[] } = { ours: [], upstream: [] }
    // The first turn of each warms it up.
    await run(ours)
    await run(upstream)
    for (let turn = 0; turn < seconds; turn++) {
      signal.throwIfAborted()
      results.ours.push(await run(ours))
      results.upstream.push(await run(upstream))
    }
    return results
  }
  const closed = await inTurns((server) => closedLoop({ ...load(server), clients }))
  const open = await inTurns((server) => openLoop({ ...load(server), perSecond, connections: clients }))
  const ratio = median(closed.ours.map((own, i) => own.perSecond / (closed.upstream[i]?.perSecond ?? 0)))
  return [
    `stamps with nonce and certificate, ${clients} clients, ${seconds} turns of 1 s each, medians:`,
    `  ours     ${inWords(closed.ours)}`,
    `  upstream ${inWords(closed.upstream)}`,
    `  ratio    ${ratio.toFixed(2)}`,
    `the same at ${perSecond}/s:`,
    `  ours     ${inWords(open.ours)}`,
    `  upstream ${inWords(open.upstream)}`,
  ]
}

function inWords(results: readonly LoadResult[]): string {
  const of = (figure: 'perSecond' | 'p50' | 'p99'): number => median(results.map((result) => result[figure]))
  const failed = results.reduce((sum, result) => sum + result.failed, 0)
  const failures = failed === 0 ? '' : `, ${failed} failed, first: ${firstFailure(results)}`
  return `${of('perSecond').toFixed(0)}/s, p50 ${of('p50').toFixed(1)} ms, p99 ${of('p99').toFixed(1)} ms${failures}`
}

function firstFailure(results: readonly LoadResult[]): string {
  return results.find(({ firstFailure: first }) => first !== undefined)?.firstFailure ?? 'unknown'
}
