/**
 * Accepted roots from the CA itself: the last certificate of the PEM chain that its `/api/v1/rootCert` answers. CA and log start in
 * any order, so the roots are asked for when they are needed.
 */
import { parseCertificatesPem } from '@sigstack/x509'
import { fetchText } from '../fetch-text.ts'
import { acceptedRoots, type RootSource } from './accepted-roots.ts'
import { createRootSource, mostRoots } from './root-source.ts'

const longestAnswer = 262_144

export function urlRoots(url: string, onError: (error: unknown) => void): RootSource {
  let known: string | undefined
  return createRootSource({
    minimumPauseMs: 1_000,
    onError,
    load: async () => {
      const pem = await fetchText(url, 'the accepted roots', longestAnswer)
      if (pem === known) return undefined
      const chain = parseCertificatesPem(pem, mostRoots)
      const selfIssued = chain.filter(({ subject, issuer }) => Buffer.compare(subject, issuer) === 0)
      known = pem
      // A CA under somebody else's root may show no self-signed certificate; then the last one is what it has.
      return acceptedRoots((selfIssued.length > 0 ? selfIssued : chain.slice(-1)).map(({ der }) => der))
    },
  })
}
