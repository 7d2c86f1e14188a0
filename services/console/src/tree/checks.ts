/** What can be checked of a leaf that was read by tiles; as for every entry no step stands for another. Pure. */
import { CheckpointError, noteKeyOf, parseCheckpoint } from '@sigstack/checkpoint'
import { equalBytes, type PublicKey, sha256 } from '@sigstack/crypto'
import { asHash } from '@sigstack/merkle'
import type { TrustedLog, TrustedRoot } from '@sigstack/trust-root'
import { demandTrustedChain, keyOfLog } from '@sigstack/verification/steps'
import { extensionOid, parseCertificate, removeExtension, verifyCertificateSignature } from '@sigstack/x509'
import { type Check, check, checkInclusion, noTrust, signedRoot } from '../entry/checks.ts'
import { demandSignedHead } from '../entry/signed-head.ts'
import type { TreeLeaf } from '../sources/tree-log.ts'
import type { LoggedCertificate } from './logged-certificate.ts'

export type TrustedKey = {
  readonly log: TrustedLog
  readonly publicKey: PublicKey
  /** As it stands in the lines of that log. */
  readonly hint: Uint8Array
}

type SignedNote = {
  readonly note: string
  readonly expected: Pick<Parameters<typeof demandSignedHead>[2], 'name' | 'expectedTreeHead'>
  readonly root: TrustedRoot | undefined
  readonly signer: TrustedKey | undefined
}

/** The log among `logs` that a line of the checkpoint names; whether the signature holds is another question. */
export async function signerAmong(
  logs: readonly TrustedLog[],
  note: string,
): Promise<TrustedKey | undefined> {
  const { origin, signatures } = parseCheckpoint(note)
  for (const log of logs) {
    const publicKey = await keyOfLog(log).catch(() => undefined)
    const hint = publicKey && hintOf(origin, publicKey)
    if (publicKey === undefined || hint === undefined) continue
    if (signatures.some((line) => line.name === origin && equalBytes(line.keyHint, hint)))
      return { log, publicKey, hint }
  }
  return undefined
}

/** That the leaf is in the tree, and that the log has signed the tree. */
export function checkPlace(
  { leaf, proof, origin }: TreeLeaf,
  root: TrustedRoot | undefined,
  signer: TrustedKey | undefined,
): readonly Promise<Check>[] {
  const { treeSize: size, rootHash, checkpoint: note } = proof
  const expected = { name: origin, expectedTreeHead: { size, rootHash: asHash(rootHash) } }
  return [checkInclusion(proof, leaf), checkHead('checkpoint', signedRoot, { note, expected, root, signer })]
}

/** That `signer` signed the note, and what else is expected of it. */
export function checkHead(
  name: 'older' | 'checkpoint',
  what: string,
  { note, expected, root, signer }: SignedNote,
): Promise<Check> {
  return check(name, what, {
    skip: noTrust(root) || (signer === undefined && 'the trusted root does not list this log'),
    step: async () => {
      if (signer === undefined) return
      const { log, publicKey, hint: keyHint } = signer
      await demandSignedHead(log, note, { publicKey, keyHint, ...expected })
    },
  })
}

/**
 * Of a certificate its chain is followed. A precertificate is none that a chain may end in, so its signature is checked with the key that
 * the leaf names, and that nothing but the poison is in it beside what was logged.
 */
export function checkIssuer(logged: LoggedCertificate, root: TrustedRoot | undefined): Promise<Check> {
  const { certificate, precertificate, issuerKeyHash, timestampMs } = logged
  return check('certificate', 'A trusted authority issued it.', {
    skip:
      noTrust(root) ||
      (certificate === undefined && 'the certificate cannot be read') ||
      (issuerKeyHash !== undefined && precertificate === undefined && 'the log gave no precertificate'),
    step: async () => {
      const authorities = root?.certificateAuthorities ?? []
      if (certificate === undefined) return
      if (issuerKeyHash === undefined) {
        await demandTrustedChain(certificate, authorities, [new Date(timestampMs)])
        return
      }
      const issuer = authorities
        .flatMap(({ chain }) => chain.map(parseCertificate))
        .find(({ spki }) => equalBytes(sha256(spki), issuerKeyHash))
      if (issuer === undefined) throw new Error('the leaf names the key of no authority of the trusted root')
      if (precertificate === undefined || !(await verifyCertificateSignature(precertificate, issuer)))
        throw new Error('the precertificate is not signed by the authority that the leaf names')
      if (!equalBytes(removeExtension(precertificate.tbs, extensionOid.poison), certificate.tbs))
        throw new Error('the precertificate is another one than the log has logged')
    },
  })
}

/** Undefined for a key that signs no notes. */
function hintOf(origin: string, key: PublicKey): Uint8Array | undefined {
  try {
    return noteKeyOf(origin, key, 'log').keyHint
  } catch (error) {
    if (error instanceof CheckpointError) return undefined
    throw error
  }
}
