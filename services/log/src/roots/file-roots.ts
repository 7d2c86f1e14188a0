/** Accepted roots from a PEM file, read again whenever it changed. */
import { readFile, stat } from 'node:fs/promises'
import { decodeText } from '@sigstack/crypto'
import { parseCertificatesPem } from '@sigstack/x509'
import { acceptedRoots, type RootSource } from './accepted-roots.ts'
import { createRootSource, mostRoots } from './root-source.ts'

export function fileRoots(path: string, onError: (error: unknown) => void): RootSource {
  let readAt: string | undefined
  return createRootSource({
    minimumPauseMs: 1_000,
    onError,
    load: async () => {
      const { mtimeMs, size, ino } = await stat(path)
      const version = `${ino}/${size}/${mtimeMs}`
      if (version === readAt) return undefined
      const certificates = parseCertificatesPem(decodeText(await readFile(path)), mostRoots)
      readAt = version
      return acceptedRoots(certificates.map(({ der }) => der))
    },
  })
}
