/** Accepted roots from a PEM file, read again at each look: its times and size do not tell of every change. */
import { readFile } from 'node:fs/promises'
import { decodeText } from '@sigstack/crypto'
import { parseCertificatesPem } from '@sigstack/x509'
import { acceptedRoots, type RootSource } from './accepted-roots.ts'
import { createRootSource, mostRoots } from './root-source.ts'

export function fileRoots(path: string, onError: (error: unknown) => void): RootSource {
  let known: Buffer | undefined
  return createRootSource({
    minimumPauseMs: 1_000,
    onError,
    load: async () => {
      const pem = await readFile(path)
      if (known?.equals(pem) === true) return undefined
      const certificates = parseCertificatesPem(decodeText(pem), mostRoots)
      known = pem
      return acceptedRoots(certificates.map(({ der }) => der))
    },
  })
}
