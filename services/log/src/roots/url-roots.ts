/**
 * Accepted roots from the CA itself: the last certificate of the PEM chain that its `/api/v1/rootCert` answers. CA and log start in
 * any order, so the roots are asked for when they are needed.
 */
import { parseCertificatesPem } from '@sigstack/x509'
import { acceptedRoots, type RootSource } from '../faces/ct/index.ts'
import { createRootSource, mostRoots } from './root-source.ts'

const answerTimeoutMs = 5_000
const longestAnswer = 262_144

export function urlRoots(url: string, onError: (error: unknown) => void): RootSource {
  let known: string | undefined
  return createRootSource({
    minimumPauseMs: 1_000,
    onError,
    load: async () => {
      const pem = await fetchText(url)
      if (pem === known) return undefined
      const chain = parseCertificatesPem(pem, mostRoots)
      const selfIssued = chain.filter(({ subject, issuer }) => Buffer.compare(subject, issuer) === 0)
      known = pem
      // A CA under somebody else's root may show no self-signed certificate; then the last one is what it has.
      return acceptedRoots((selfIssued.length > 0 ? selfIssued : chain.slice(-1)).map(({ der }) => der))
    },
  })
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs), redirect: 'error' })
  if (!response.ok || response.body === null) {
    throw new Error(`the accepted roots at ${url} were answered with status ${response.status}`)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.length
    if (bytes > longestAnswer)
      throw new Error(`the accepted roots at ${url} are longer than ${longestAnswer} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
