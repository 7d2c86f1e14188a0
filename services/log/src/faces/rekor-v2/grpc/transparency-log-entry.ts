/** The answer as a message of gRPC: what `../transparency-log-entry.ts` writes in protobuf JSON. */
import { create } from '@bufbuild/protobuf'
import { parseBase64 } from '@sigstack/crypto'
import { kindOf, type ProvenEntry } from '../transparency-log-entry.ts'
import {
  type TransparencyLogEntry,
  TransparencyLogEntrySchema,
} from './generated/dev/sigstore/rekor/v2/rekor_service_pb.ts'

/** @param logId Of the shard, in base64. */
export function transparencyLogEntry(logId: string, proven: ProvenEntry): TransparencyLogEntry {
  const { entry, checkpoint, inclusionProof } = proven
  const { size, rootHash } = checkpoint.treeHead
  return create(TransparencyLogEntrySchema, {
    logIndex: entry.leafIndex,
    logId: { keyId: parseBase64(logId) },
    kindVersion: kindOf(entry.leaf),
    inclusionProof: {
      logIndex: entry.leafIndex,
      rootHash,
      treeSize: size,
      hashes: [...inclusionProof.siblings],
      checkpoint: { envelope: checkpoint.note },
    },
    canonicalizedBody: entry.leaf,
  })
}
