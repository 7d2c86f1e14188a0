/** Issuances through HTTP, from token to certificate. */

import { encodeRequest } from '../../support/http-socket.ts'
import { closedLoop, openLoop } from '../../support/load.ts'
import { signingRequest } from '../../support/requests.ts'
import { trialToken } from '../../support/stack-process.ts'
import { type Bench, email, measured } from '../bench-context.ts'

export type CertificateOptions = {
  readonly caCurve: string
  readonly clients: readonly number[]
  /** Requests a second. */
  readonly rates: readonly number[]
}

/**
 * Requests made before the clock starts, each with a key of its own; they come again and again. `ca` is the URL of a CA; that of the
 * stack where it is left out.
 */
export async function openRequester(
  { stack }: Pick<Bench, 'stack'>,
  ca?: string,
): Promise<{
  readonly url: URL
  next(): Buffer | undefined
}> {
  const { endpoints } = stack()
  const url = new URL(`${ca ?? endpoints.services.ca}/api/v2/signingCert`)
  const tokens = await Promise.all(Array.from({ length: 16 }, () => trialToken(endpoints, email)))
  const requests = Array.from({ length: 512 }, (_, i) =>
    encodeRequest('POST', url, signingRequest(tokens[i % tokens.length] as string, email).body),
  )
  let at = 0
  return { url, next: () => requests[at++ % requests.length] }
}

export async function benchCertificates(
  bench: Bench,
  { caCurve, clients: allClients, rates }: CertificateOptions,
): Promise<void> {
  const { report, seconds } = bench
  const { url, next } = await openRequester(bench)
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
