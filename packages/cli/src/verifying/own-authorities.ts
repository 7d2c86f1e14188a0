/** Authorities of the caller's own, from PEM files: in place of those of the trusted root. */
import type { CertificateAuthority } from '@sigstack/trust-root'
import { readCertificates } from '../signing/key-credential.ts'

export async function ownAuthorities(files: {
  readonly certificateChain?: string
  readonly caRoots?: string
  readonly caIntermediates?: string
}): Promise<readonly CertificateAuthority[]> {
  const read = async (path: string | undefined): Promise<readonly Uint8Array[]> =>
    path === undefined ? [] : (await readCertificates(path, 'certificates')).map(({ der }) => der)
  const chain = await read(files.certificateChain)
  const [roots, intermediates] = [await read(files.caRoots), await read(files.caIntermediates)]
  const chains = roots.flatMap((root) => [[root], ...intermediates.map((between) => [between, root])])
  return [...(chain.length > 0 ? [chain] : []), ...chains].map(authorityOf)
}

/** Its root is last; its own certificate may be left out where stamps bring it along. */
export async function ownTimestampAuthority(path: string): Promise<CertificateAuthority> {
  return authorityOf((await readCertificates(path, 'certificates')).map(({ der }) => der))
}

function authorityOf(chain: readonly Uint8Array[]): CertificateAuthority {
  return { subject: {}, chain, validFor: {} }
}
