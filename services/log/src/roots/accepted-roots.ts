/** The roots that a chain must end in, found by name: several may share one. */
import { toHex } from '@sigstack/crypto'
import type { Certificate } from '@sigstack/x509'
import { parseCertificate } from '@sigstack/x509'

export type AcceptedRoots = {
  readonly certificates: readonly Certificate[]
  /** By DER. */
  has(certificate: Certificate): boolean
  /** Those that could have issued `certificate`, by their names. */
  issuersOf(certificate: Certificate): readonly Certificate[]
}

/** Where accepted roots come from, and how they are asked for again. */
export type RootSource = {
  current(): AcceptedRoots
  /** Looks for new roots, unless it did a moment ago. Never throws: what could not be had leaves the roots as they were. */
  refresh(): Promise<void>
}

export function acceptedRoots(ders: readonly Uint8Array[]): AcceptedRoots {
  const byDer = new Map(ders.map((der) => [toHex(der), parseCertificate(der)]))
  const certificates = [...byDer.values()]
  const bySubject = Map.groupBy(certificates, ({ subject }) => toHex(subject))
  return {
    certificates,
    has: ({ der }) => byDer.has(toHex(der)),
    issuersOf: ({ issuer }) => bySubject.get(toHex(issuer)) ?? [],
  }
}
