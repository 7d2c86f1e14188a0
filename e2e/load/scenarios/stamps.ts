/** Timestamps through HTTP, asked for in DER as cosign does, and with nonce and certificate as sigstore-python does. */
import { closedLoop, openLoop } from '../../support/load.ts'
import { stampRequests } from '../../support/requests.ts'
import { type Bench, measured } from '../bench-context.ts'

export type StampOptions = {
  readonly clients: readonly number[]
  /** Requests a second. */
  readonly rates: readonly number[]
}

const ways = [
  { kind: 'stamp', certificates: false, hasNonce: false },
  { kind: 'stamp with nonce and certificate', certificates: true, hasNonce: true },
] as const

export async function benchStamps(bench: Bench, { clients: allClients, rates }: StampOptions): Promise<void> {
  const { report, seconds } = bench
  const url = new URL(`${bench.stack().endpoints.services['tsa']}/api/v1/timestamp`)
  for (const { kind, certificates, hasNonce } of ways) {
    const next = stampRequests(url, { certificates, hasNonce })
    report.header(`${kind}  P-256, each verified before it leaves`)
    for (const clients of allClients) {
      const result = await measured(bench, () => closedLoop({ url, seconds, status: 200, next, clients }))
      report.row(`closed loop, ${clients} clients`, result, { kind, clients })
    }
    for (const perSecond of rates) {
      const load = { url, seconds, status: 200, next, perSecond, connections: 64 }
      const result = await measured(bench, () => openLoop(load))
      report.row(`open loop, ${perSecond}/s`, result, { kind, perSecond })
    }
  }
}
