/** Whether the newer of two heads of a log begins with the older: each step for itself, and the way to show it. Pure. */
import type { Checkpoint } from '@sigstack/checkpoint'
import { equalBytes } from '@sigstack/crypto'
import { asHash, type ConsistencyPath, consistencyPath, verifyConsistency } from '@sigstack/merkle'
import type { TrustedLog, TrustedRoot } from '@sigstack/trust-root'
import { keyOfLog } from '@sigstack/verification/steps'
import { attempt } from '../attempt.ts'
import { type Check, check } from '../entry/checks.ts'
import type { Trust } from '../sources/trust.ts'
import { checkHead, signerAmong, type TrustedKey } from '../tree/checks.ts'

export type HeadKind = 'rekor-v1' | 'rekor-v2' | 'ct'

/** A head as it was signed, and what it says. */
export type SignedHead = { readonly note: string; readonly head: Checkpoint }

export type Heads = {
  readonly kind: HeadKind
  /** As somebody brought it. */
  readonly older: SignedHead
  /** As the log shows it now. */
  readonly newer: SignedHead
  /** The log's proof; empty where there is nothing to ask for. */
  readonly hashes: readonly Uint8Array[]
}

export type Comparison = Heads & {
  /** Undefined where there is none to walk: of equal sizes, of an empty tree, and of hashes that lead nowhere. */
  readonly path?: ConsistencyPath
  readonly checks: readonly Check[]
  readonly signer?: TrustedKey
  readonly trust?: Pick<Trust, 'sha256' | 'from'>
}

export async function compare(heads: Heads, trust: Trust | undefined): Promise<Comparison> {
  const { kind, older, newer, hashes } = heads
  const root = trust?.root
  const signer = await signerOf(kind, newer, root)
  const [{ size: oldSize, rootHash: oldRoot }, { size: newSize, rootHash: newRoot }] = [
    older.head.treeHead,
    newer.head.treeHead,
  ]
  const proof = { oldSize, newSize, hashes: hashes.map(asHash) }
  const path = attempt(() => consistencyPath(proof, oldRoot))
  const signed = (name: 'older' | 'checkpoint', what: string, { note, head }: SignedHead) =>
    checkHead(name, what, { note, expected: kind === 'rekor-v1' ? {} : { name: head.origin }, root, signer })
  const checks = await Promise.all([
    check(
      'consistency',
      'The newer tree begins with the older one: nothing in it was changed or taken out.',
      {
        skip: oldSize === 0n && 'every tree begins with an empty one',
        step: async () => verifyConsistency(proof, oldRoot, newRoot),
      },
    ),
    signed('older', 'The log signed the older head.', older),
    signed('checkpoint', 'The log signed the newer head.', newer),
  ])
  return {
    ...heads,
    checks,
    ...(path !== undefined && { path }),
    ...(signer !== undefined && { signer }),
    ...(trust !== undefined && { trust: { sha256: trust.sha256, from: trust.from } }),
  }
}

async function signerOf(
  kind: HeadKind,
  { note, head }: SignedHead,
  root: TrustedRoot | undefined,
): Promise<TrustedKey | undefined> {
  if (kind !== 'rekor-v1') return signerAmong((kind === 'ct' ? root?.ctlogs : root?.tlogs) ?? [], note)
  // Rekor v1 signs by its key alone, under the name of its host.
  const isOf = ({ logId }: TrustedLog) =>
    head.signatures.some(({ keyHint }) => equalBytes(keyHint, logId.subarray(0, 4)))
  const log = root?.tlogs.find(isOf)
  const publicKey = log && (await keyOfLog(log).catch(() => undefined))
  return log && publicKey && { log, publicKey, hint: log.logId.subarray(0, 4) }
}
