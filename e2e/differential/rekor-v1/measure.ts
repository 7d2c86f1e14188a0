/** Appends of both logs, one after the other on the same machine, while the other one is idle. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createSigner } from '@sigstack/crypto'
import { createRoot, encodeCertificatePem, serialNumberFrom } from '@sigstack/x509'
import { closedLoop, type LoadResult } from '../../support/load.ts'
import { hashedrekordRequest, type Issued } from '../../support/requests.ts'
import type { Side } from './side.ts'

const clients = 16
const warmUpSeconds = 1
/** More than either log appends on two cores. */
const mostPerSecond = 6000

export async function measureAppends(options: {
  readonly ours: Side
  readonly upstream: Side
  readonly seconds: number
  readonly onProgress: (message: string) => void
}): Promise<readonly string[]> {
  const { ours, upstream, seconds, onProgress } = options
  onProgress(`measuring appends: ${clients} clients, ${seconds} s each`)
  const issued = await selfIssued()
  const theirs = await appendTo(upstream.url, issued, seconds)
  const mine = await appendTo(ours.url, issued, seconds)
  return [
    `appends of hashedrekord with a certificate, ${clients} clients, ${seconds} s each, durable and with their proof:`,
    `  ours     ${inWords(mine)}`,
    `  upstream ${inWords(theirs)}`,
    `  ratio    ${(mine.perSecond / theirs.perSecond).toFixed(1)}`,
  ]
}

async function appendTo(baseUrl: string, issued: Issued, seconds: number): Promise<LoadResult> {
  const url = new URL('/api/v1/log/entries', baseUrl)
  const run = (ofSeconds: number): Promise<LoadResult> => {
    const requests = Array.from({ length: Math.ceil(ofSeconds * mostPerSecond) }, () =>
      hashedrekordRequest(url, issued),
    )
    return closedLoop({ url, seconds: ofSeconds, status: 201, clients, next: () => requests.pop() })
  }
  await run(warmUpSeconds)
  return run(seconds)
}

function inWords({ perSecond, p50, p99, failed, firstFailure }: LoadResult): string {
  const failures = failed === 0 ? '' : `, ${failed} failed, first: ${firstFailure ?? 'unknown'}`
  return `${perSecond.toFixed(0)}/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms${failures}`
}

/** An entry of about the size that signers make. */
async function selfIssued(): Promise<Issued> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const notBefore = new Date()
  const { der } = await createRoot({
    signer: createSigner(privateKey),
    commonName: 'signer',
    organization: 'differential',
    serialNumber: serialNumberFrom(randomBytes(20)),
    notBefore,
    notAfter: new Date(notBefore.getTime() + 3_600_000),
  })
  return { privateKey, certificatePem: encodeCertificatePem(der) }
}
