/**
 * What can be checked of an entry with what the log answers and what is trusted, each for itself: no step stands for another, and what
 * was not looked at is not called good.
 */
import { asBuffer, equalBytes, escaped, reasonOf, verifyDigest } from '@sigstack/crypto'
import { asHash, leafHash, verifyInclusion } from '@sigstack/merkle'
import type { TrustedLog, TrustedRoot } from '@sigstack/trust-root'
import { demandPromise, demandTrustedChain, keyOfLog, verifyPromise } from '@sigstack/verification/steps'
import type { Certificate } from '@sigstack/x509'
import type { EntryProof, LoggedEntry } from '../sources/rekor.ts'
import type { SignedDigest } from './body.ts'
import { demandSignedHead } from './signed-head.ts'

export type CheckName =
  | 'signature'
  | 'certificate'
  | 'sct'
  | 'promise'
  | 'inclusion'
  | 'checkpoint'
  | 'timestamp'
  /** Of two heads. */
  | 'consistency'
  | 'older'

export type Check = {
  readonly name: CheckName
  readonly state: 'verified' | 'failed' | 'unchecked'
  /** What was looked at, as a sentence; then why it failed or was not looked at. */
  readonly what: string
  readonly why?: string
}

export type Checkable = {
  readonly entry: LoggedEntry
  /** Of the signer; undefined where a plain key signed. */
  readonly certificate?: Certificate
  /** Undefined where the body holds no such pair. */
  readonly signed?: SignedDigest
  readonly root?: TrustedRoot
  /** At which a certificate is judged; left out, that of the log. */
  readonly times?: readonly Date[]
}

export async function checkEntry(checkable: Checkable): Promise<readonly Check[]> {
  const { entry, certificate, signed, root } = checkable
  const { promise, proof, body } = entry
  const logs = root?.tlogs.filter(({ logId }) => equalBytes(logId, entry.logId)) ?? []
  const { times = [new Date(entry.integratedTime * 1000)] } = checkable
  const noLog = noTrust(root) || (logs.length === 0 && 'the trusted root does not list this log')
  return Promise.all([
    checkSignature(signed),
    ...checkCertificate(certificate, root, {
      times,
      what: 'The certificate was issued by a trusted authority and was valid when this was logged.',
    }),
    check('promise', 'The log promised the entry at that time and place (SET).', {
      skip: (promise === undefined && 'the log gave no promise') || noLog,
      step: () =>
        verifyPromise({ ...entry, integratedTime: BigInt(entry.integratedTime) }, promise ?? body, logs),
    }),
    checkInclusion(proof, body),
    check('checkpoint', signedRoot, {
      skip: (proof?.checkpoint === undefined && 'the log gave no checkpoint') || noLog,
      step: () => demandSignedRoot(entry, logs),
    }),
  ])
}

export const signedRoot = 'The log signed that root.'

/** Why nothing can be said of whom to trust. */
export function noTrust(root: TrustedRoot | undefined): string | false {
  return root === undefined && 'there is no trusted root to check it against'
}

export function checkSignature(signed: SignedDigest | undefined): Promise<Check> {
  return check('signature', 'The signature is over the digest, by the key of the signer.', {
    skip:
      signed === undefined &&
      'the entry holds no digest of what was signed, so the file or envelope is needed',
    step: async () => {
      if (
        signed !== undefined &&
        !(await verifyDigest(signed.key(), signed.algorithm, signed.digest, signed.signature))
      )
        throw new Error('it is not')
    },
  })
}

/** None where a plain key signed. The certificate is judged at `times`. */
export function checkCertificate(
  certificate: Certificate | undefined,
  root: TrustedRoot | undefined,
  { times, what }: { readonly times: readonly Date[]; readonly what: string },
): readonly Promise<Check>[] {
  if (certificate === undefined) return []
  // Once for both checks that need it, each of which tells of its failure.
  const path = root && demandTrustedChain(certificate, root.certificateAuthorities, times)
  path?.catch(() => undefined)
  const skip = noTrust(root)
  return [
    check('certificate', what, {
      skip,
      step: async () => {
        await path
      },
    }),
    check('sct', 'The certificate is promised to a trusted log of certificates (SCT).', {
      skip: skip || (root?.ctlogs.length === 0 && 'the trusted root lists no log of certificates'),
      step: async () => {
        const [issuer] = (await path) ?? []
        if (issuer !== undefined) await demandPromise(certificate, issuer, root?.ctlogs ?? [])
      },
    }),
  ]
}

export function checkInclusion(proof: EntryProof | undefined, leaf: Uint8Array): Promise<Check> {
  return check('inclusion', 'The entry is in the tree: the proof leads from its bytes to the root.', {
    skip: proof === undefined && 'the log gave no proof',
    step: async () => {
      if (proof === undefined) return
      const { leafIndex, treeSize, hashes, rootHash } = proof
      const siblings = hashes.map(asHash)
      verifyInclusion({ leafIndex, treeSize, siblings }, leafHash(asBuffer(leaf)), asHash(rootHash))
    },
  })
}

async function demandSignedRoot({ proof, logId }: LoggedEntry, logs: readonly TrustedLog[]): Promise<void> {
  if (proof?.checkpoint === undefined) return
  const expectedTreeHead = { size: proof.treeSize, rootHash: asHash(proof.rootHash) }
  let reason: unknown
  for (const log of logs) {
    try {
      const publicKey = await keyOfLog(log)
      const keyHint = logId.subarray(0, 4)
      await demandSignedHead(log, proof.checkpoint, { publicKey, keyHint, expectedTreeHead })
      return
    } catch (error) {
      reason = error
    }
  }
  throw reason
}

/** `skip` says why it is not made. */
export async function check(
  name: CheckName,
  what: string,
  { skip, step }: { readonly skip: string | false; readonly step: () => Promise<void> },
): Promise<Check> {
  if (skip !== false) return { name, what, state: 'unchecked', why: skip }
  try {
    await step()
    return { name, what, state: 'verified' }
  } catch (error) {
    return { name, what, state: 'failed', why: escaped(reasonOf(error), 400) }
  }
}
