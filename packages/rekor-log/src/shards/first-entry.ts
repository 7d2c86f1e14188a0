/**
 * The first entry of a Rekor log, by the log itself. Go's JSON leaves out what is zero, so a bundle that cosign writes for index 0 of a
 * tree of one has neither `logIndex` nor `hashes`, and sigstore-python refuses to read it. No client should be the one to get it.
 */
import { encodePublicKeyPem, type Signer, sha256Hex, toBase64, utf8 } from '@sigstack/crypto'
import type { LogReader, LogWriter } from '@sigstack/log-engine'
import { leafHash } from '@sigstack/merkle'
import { verifyProposal } from '@sigstack/rekor-entries'

/** Signs the log's own origin with the log's key: says who opened the log, and is as true as any other entry. */
export async function logFirstEntry(log: LogReader & LogWriter, signer: Signer): Promise<void> {
  const { size } = await log.treeHead()
  if (size > 0n) return
  const statement = `first entry of ${log.origin}\n`
  const { body } = await verifyProposal(
    {
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: sha256Hex(statement) } },
        signature: {
          content: toBase64(await signer.sign(utf8(statement))),
          publicKey: { content: toBase64(utf8(encodePublicKeyPem(signer.publicKey))) },
        },
      },
    },
    // A hashedrekord is verified the same at any time.
    { allowedAlgorithms: [signer.algorithm], now: () => new Date(0) },
  )
  // Two replicas that start at once may both get here; two such entries do no harm.
  await log.append({ identity: leafHash(body), encode: () => ({ leaf: body }) })
}
