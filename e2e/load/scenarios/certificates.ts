/** Issuances through HTTP, from token to certificate. */
import { trialToken } from '../../support/stack-process.ts'
import { type Bench, email, measured } from '../bench-context.ts'
import { encodeRequest } from '../http-socket.ts'
import { closedLoop, openLoop } from '../load.ts'
import { signingRequest } from '../requests.ts'

export type CertificateOptions = {
  readonly caCurve: string
  readonly clients: readonly number[]
  /** Requests a second. */
  readonly rates: readonly number[]
}

export async function benchCertificates(
  bench: Bench,
  { caCurve, clients: allClients, rates }: CertificateOptions,
): Promise<void> {
  const { report, seconds } = bench
  const { endpoints } = bench.stack()
  const url = new URL(`${endpoints.services.ca}/api/v2/signingCert`)
  const tokens = await Promise.all(Array.from({ length: 16 }, () => trialToken(endpoints, email)))
  const requests = Array.from({ length: 512 }, (_, i) =>
    encodeRequest('POST', url, signingRequest(tokens[i % tokens.length] as string, email).body),
  )
  let at = 0
  const next = (): Buffer | undefined => requests[at++ % requests.length]
  report.header(
    `certificates  RS256 token, proof of possession, CA of ${caCurve}, SCT logged durably by the CT log of the same stack`,
  )
  const kind = 'certificate'
  for (const clients of allClients) {
    const load = { url, seconds, status: 200, next, clients }
    const result = await measured(bench, () => closedLoop(load))
    report.row(`closed loop, ${clients} clients`, result, { kind, caCurve, clients })
  }
  for (const perSecond of rates) {
    const load = { url, seconds, status: 200, next, perSecond, connections: 64 }
    const result = await measured(bench, () => openLoop(load))
    report.row(`open loop, ${perSecond}/s`, result, { kind, caCurve, perSecond })
  }
}
