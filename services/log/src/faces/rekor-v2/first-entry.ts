/**
 * The first entry of a log, by the log itself. Go's JSON leaves out what is zero, so a bundle that cosign writes for index 0 of a tree of
 * one has neither `logIndex` nor `hashes`, and sigstore-python refuses to read it. No client should be the one to get it.
 */
import {
  createSigner,
  generateSigningKey,
  publicKeyDetails,
  type Signer,
  sha256,
  toBase64,
  utf8,
} from '@sigstack/crypto'
import type { LogReader, LogWriter } from '@sigstack/log-engine'
import { leafHash } from '@sigstack/merkle'
import { verifyRequest } from '@sigstack/rekor-entries'

/** Signs the log's own origin: with the log's key, or where that is pure Ed25519, which signs no digest, with one for this alone. */
export async function logFirstEntry(log: LogReader & LogWriter, logSigner: Signer): Promise<void> {
  const { size } = await log.treeHead()
  if (size > 0n) return
  const signer = logSigner.algorithm === 'ed25519' ? createSigner(generateSigningKey()) : logSigner
  const statement = utf8(`first entry of ${log.origin}\n`)
  const verifier = {
    publicKey: { rawBytes: toBase64(signer.publicKey.spki) },
    keyDetails: publicKeyDetails(signer.publicKey),
  }
  const signature = { content: toBase64(await signer.sign(statement)), verifier }
  const request = { hashedRekordRequestV002: { digest: toBase64(sha256(statement)), signature } }
  const { body } = await verifyRequest(JSON.stringify(request), {
    allowedAlgorithms: [signer.algorithm],
    dsse: 'reject',
  })
  // Two replicas that start at once may both get here; two such entries do no harm.
  await log.append({ identity: leafHash(body), encode: () => ({ leaf: body }) })
}
