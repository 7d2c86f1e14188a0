/** Parts of an entry as the JSON of its page has them, whatever log it is of. */
import { toHex } from '@sigstack/crypto'
import type { EntryProof } from '../sources/rekor.ts'
import type { EntryBody } from './body.ts'
import type { CertificateWords } from './certificate.ts'

export function signersData({ signers }: EntryBody) {
  return signers.map(({ keyHash, subjects, tokenIssuer, serialNumber }) => ({
    keyHash,
    subjects,
    issuer: tokenIssuer,
    serialNumber,
  }))
}

export function certificateData({ rows }: CertificateWords) {
  return rows.map(({ name, value }) => ({ name, value }))
}

export function proofData({ leafIndex, treeSize, rootHash, hashes, checkpoint }: EntryProof) {
  return {
    leafIndex: String(leafIndex),
    treeSize: String(treeSize),
    rootHash: toHex(rootHash),
    hashes: hashes.map(toHex),
    checkpoint,
  }
}
