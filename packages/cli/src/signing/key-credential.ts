/** A key as signer, with its own certificate where there is one. */
import { CryptoError, equalBytes, type PublicKey } from '@sigstack/crypto'
import type { Credential } from '@sigstack/signing'
import { openSigningKey } from '@sigstack/signing/keys'
import { type Certificate, parseCertificatesPem, verifyChain, X509Error } from '@sigstack/x509'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { keyContext } from '../key-context.ts'
import { readLocation } from '../location.ts'

type OwnCertificate = { readonly certificate?: string; readonly certificateChain?: string }

export async function openKeyCredential(
  io: Io,
  reference: string,
  { certificate, certificateChain }: OwnCertificate,
): Promise<Credential> {
  const key = await openSigningKey(reference, keyContext(io))
  if (certificate === undefined) return { key }
  const [leaf] = await readCertificates(certificate, 'certificate')
  if (leaf === undefined) throw new CliError('unreadable', `${certificate} holds no certificate`)
  demandSameKey(leaf, key.publicKey)
  const issuers =
    certificateChain === undefined ? [] : await readCertificates(certificateChain, 'certificates')
  await demandChain(leaf, issuers)
  const chain = { leaf: leaf.der, issuers: issuers.map(({ der }) => der) }
  return { key, certificate: async () => chain }
}

export async function readCertificates(path: string, what: string): Promise<readonly Certificate[]> {
  const pem = await readLocation(path, what)
  try {
    return parseCertificatesPem(pem)
  } catch (cause) {
    if (!(cause instanceof CryptoError) && !(cause instanceof X509Error)) throw cause
    throw new CliError('unreadable', `${path} cannot be used: ${cause.message}`, { cause })
  }
}

function demandSameKey({ publicKey }: Certificate, key: PublicKey): void {
  if (equalBytes(publicKey.spki, key.spki)) return
  throw new CliError('bad_usage', 'public key in certificate does not match the provided public key')
}

/** The last one is taken for the anchor: whether it is trusted is for who verifies. */
async function demandChain(leaf: Certificate, issuers: readonly Certificate[]): Promise<void> {
  const anchor = issuers.at(-1)
  if (anchor === undefined) return
  try {
    await verifyChain([leaf, ...issuers], { roots: [anchor], at: new Date() })
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    throw new CliError('bad_usage', `the certificate chain does not hold: ${cause.message}`, { cause })
  }
}
