/** The root: which keys sign what (specification section 5.3 and 6.1 on how clients follow it). */
import type { Signer } from '@sigstack/crypto'
import { type Metadata, Root } from '@tufjs/models'
import { TufError } from './errors.ts'
import { tufKey } from './key.ts'
import { expiryAfter, isHalfOver, type Lifetimes } from './lifetime.ts'
import { isSignedFor, signDocument, specVersion } from './metadata.ts'

export type RootMetadata = Metadata<Root>

/** Who shall sign what from now on. */
export type WantedRoot = {
  /** Keys of the root role. Undefined: they are elsewhere, and the root stays as it is. */
  readonly rootSigners: readonly Signer[] | undefined
  readonly threshold: number
  /** Signs targets, snapshot and timestamp. */
  readonly onlineSigner: Signer
  /** Keys of the root role until now, which have to sign their own replacement. */
  readonly formerRootSigners: readonly Signer[]
}

const onlineRoles = ['targets', 'snapshot', 'timestamp'] as const

/**
 * The first root, or the one to follow `current` because keys changed or half its life is over; undefined when
 * `current` stands. Throws `not_enough_signatures` when the keys at hand cannot make what is wanted.
 */
export async function nextRoot(
  current: RootMetadata | undefined,
  wanted: WantedRoot,
  lifetimes: Lifetimes,
  now: Date,
): Promise<RootMetadata | undefined> {
  const { rootSigners, threshold, onlineSigner, formerRootSigners } = wanted
  if (rootSigners === undefined) {
    if (current !== undefined && isOnlineKey(current, onlineSigner)) return undefined
    throw new TufError(
      'not_enough_signatures',
      current === undefined
        ? 'there is no root yet, and no root key to sign one with'
        : 'the root names another online key; a new root has to be signed with the root keys',
    )
  }
  const document = composeRoot(rootSigners, threshold, onlineSigner, {
    version: (current?.signed.version ?? 0) + 1,
    expires: expiryAfter(now, lifetimes.metadataSeconds),
  })
  if (current !== undefined && sameKeys(current.signed, document)) {
    if (!isHalfOver(current.signed.expires, now, lifetimes.metadataSeconds)) return undefined
  }
  const metadata = await signDocument(document, distinct([...rootSigners, ...formerRootSigners]))
  // Clients demand the threshold of the root they know and of the new one.
  if (!isSignedFor(metadata, 'root', metadata))
    throw new TufError('not_enough_signatures', `the root wants ${threshold} keys and has fewer`)
  if (current !== undefined && !isSignedFor(current, 'root', metadata))
    throw new TufError(
      'not_enough_signatures',
      'clients would refuse the new root: keys of the present root have to sign it too',
    )
  return metadata
}

/** Whether `signer` may sign for all the roles that this service signs. */
export function isOnlineKey(root: RootMetadata, signer: Signer): boolean {
  const { keyID } = tufKey(signer.publicKey)
  return onlineRoles.every((role) => root.signed.roles[role]?.keyIDs.includes(keyID))
}

/** Whether the root names just the keys that are wanted; of root keys that are elsewhere nothing is known. */
export function isWantedRoot(
  root: RootMetadata,
  { rootSigners, threshold, onlineSigner }: WantedRoot,
): boolean {
  if (rootSigners === undefined) return isOnlineKey(root, onlineSigner)
  const { version, expires } = root.signed
  return sameKeys(root.signed, composeRoot(rootSigners, threshold, onlineSigner, { version, expires }))
}

function composeRoot(
  rootSigners: readonly Signer[],
  threshold: number,
  onlineSigner: Signer,
  { version, expires }: { readonly version: number; readonly expires: string },
): Root {
  const rootKeys = distinct(rootSigners).map(({ publicKey }) => tufKey(publicKey))
  const onlineKey = tufKey(onlineSigner.publicKey)
  const online = { keyids: [onlineKey.keyID], threshold: 1 }
  return Root.fromJSON({
    _type: 'root',
    spec_version: specVersion,
    version,
    expires,
    consistent_snapshot: true,
    keys: Object.fromEntries([...rootKeys, onlineKey].map((key) => [key.keyID, key.toJSON()])),
    roles: {
      root: { keyids: rootKeys.map(({ keyID }) => keyID), threshold },
      ...Object.fromEntries(onlineRoles.map((role) => [role, online])),
    },
  })
}

function sameKeys(a: Root, b: Root): boolean {
  return ['root', ...onlineRoles].every((name) => {
    const [one, other] = [a.roles[name], b.roles[name]]
    return (
      one !== undefined &&
      other !== undefined &&
      one.threshold === other.threshold &&
      one.keyIDs.toSorted().join() === other.keyIDs.toSorted().join()
    )
  })
}

function distinct(signers: readonly Signer[]): readonly Signer[] {
  return [...new Map(signers.map((signer) => [tufKey(signer.publicKey).keyID, signer])).values()]
}
