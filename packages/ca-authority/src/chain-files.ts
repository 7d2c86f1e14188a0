/** Files of certificate chains: issuing certificate first, self-signed root last. */
import { chmod, readFile } from 'node:fs/promises'
import { CryptoError, decodeText, equalBytes } from '@sigstack/crypto'
import { SignerError, writeSecretFile } from '@sigstack/signers'
import {
  type Certificate,
  encodeCertificatePem,
  isSelfSigned,
  parseCertificatesPem,
  verifyChain,
  X509Error,
} from '@sigstack/x509'
import { AuthorityError } from './errors.ts'

export async function readChain(path: string): Promise<readonly Certificate[]> {
  try {
    return parseCertificatesPem(decodeText(await readFile(path)))
  } catch (cause) {
    const reason =
      cause instanceof X509Error || cause instanceof CryptoError ? cause.message : `it cannot be read`
    throw new AuthorityError('chain_unreadable', `the certificate chain ${path} is not usable: ${reason}`, {
      cause,
    })
  }
}

export async function writeChain(path: string, chain: readonly Certificate[]): Promise<void> {
  try {
    await writeSecretFile(path, chain.map(({ der }) => encodeCertificatePem(der)).join(''))
    // It is public, unlike its neighbours.
    await chmod(path, 0o644)
  } catch (error) {
    // Another replica was faster. The keys are the same, and its certificates count.
    if (!(error instanceof SignerError) || error.code !== 'already_exists') throw error
  }
}

/**
 * Chains that are still, or already, to be trusted beside the CA's own: certificates that have ended count too. One file,
 * each chain in order and ended by its self-signed root. Throws {@link AuthorityError}.
 */
export async function readTrustedChains(path: string): Promise<readonly (readonly Certificate[])[]> {
  const chains: Certificate[][] = []
  let open: Certificate[] = []
  for (const certificate of await readChain(path)) {
    open.push(certificate)
    if (!equalBytes(certificate.subject, certificate.issuer)) continue
    chains.push(open)
    open = []
  }
  if (open.length > 0)
    throw new AuthorityError(
      'chain_refused',
      `the last chain in ${path} does not end with a self-signed root`,
    )
  for (const chain of chains) await assertTrustable(chain, path)
  return chains
}

export async function assertTrustable(chain: readonly Certificate[], path: string): Promise<void> {
  const root = chain.at(-1)
  try {
    if (root === undefined || !(await isSelfSigned(root)))
      throw new X509Error('root_not_self_signed', 'the root is not signed with its own key')
    await verifyChain(chain, { roots: [root], checkValidity: false })
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    throw new AuthorityError('chain_refused', `a chain in ${path} cannot be trusted: ${cause.message}`, {
      cause,
    })
  }
}
