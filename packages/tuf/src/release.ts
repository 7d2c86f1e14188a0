/**
 * What clients are given under one root: targets, the snapshot that names them, and the timestamp that names the
 * snapshot. Versions only rise, and a number is never used for other bytes.
 */
import { type Signer, sha256Hex } from '@sigstack/crypto'
import { type Metadata, MetaFile, type Root, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models'
import { TufError } from './errors.ts'
import { expiryAfter, isHalfOver, isSeventhOver, type Lifetimes } from './lifetime.ts'
import { type Document, encodeMetadata, isSignedFor, signDocument, specVersion } from './metadata.ts'
import { isOnlineKey } from './root.ts'

/** How older clients find a key among the targets. */
export type SigstoreMetadata = {
  readonly usage: 'Fulcio' | 'Rekor' | 'CTFE' | 'TSA'
  readonly status: 'Active' | 'Expired'
  readonly uri: string
}

export type Target = {
  /** Without a folder. */
  readonly name: string
  readonly content: Uint8Array
  readonly sigstore?: SigstoreMetadata
}

export type Release = {
  readonly targets: Metadata<Targets>
  readonly snapshot: Metadata<Snapshot>
  readonly timestamp: Metadata<Timestamp>
}

export type NewFile = { readonly path: string; readonly bytes: Uint8Array }

export type NextRelease = {
  readonly release: Release
  /** In the order in which they are written: each names only what is before it, and the timestamp is last. */
  readonly files: readonly NewFile[]
}

export type ReleaseOptions = {
  readonly root: Metadata<Root>
  readonly current: Release | undefined
  readonly targets: readonly Target[]
  readonly onlineSigner: Signer
  readonly lifetimes: Lifetimes
  readonly now: Date
  /** The highest numbers in use, also by files of a publication that was never finished. */
  readonly used: { readonly targets: number; readonly snapshot: number }
}

/** Undefined when `current` says it all, is signed with the key of this time, and is not about to expire. */
export async function nextRelease(options: ReleaseOptions): Promise<NextRelease | undefined> {
  const { root, current, onlineSigner, lifetimes, now, used } = options
  if (!isOnlineKey(root, onlineSigner))
    throw new TufError('foreign_online_key', 'the root names another online key than the one at hand')
  const files: NewFile[] = []
  const sign = async <T extends Document>(document: T, path: string): Promise<Metadata<T>> => {
    const metadata = await signDocument(document, [onlineSigner])
    files.push({ path, bytes: encodeMetadata(metadata) })
    return metadata
  }
  const yearly = { specVersion, expires: expiryAfter(now, lifetimes.metadataSeconds) }
  const isStale = (metadata: Metadata<Targets> | Metadata<Snapshot>): boolean =>
    !isSignedFor(root, metadata.signed.type, metadata) ||
    isHalfOver(metadata.signed.expires, now, lifetimes.metadataSeconds)

  let targets = current?.targets
  const listed = Object.fromEntries(options.targets.map((target) => [target.name, fileOf(target)]))
  if (targets === undefined || isStale(targets) || !sameTargets(targets.signed, listed)) {
    for (const { name, content } of options.targets)
      files.push({ path: `targets/${sha256Hex(content)}.${name}`, bytes: content })
    const version = Math.max(used.targets, targets?.signed.version ?? 0) + 1
    targets = await sign(new Targets({ ...yearly, version, targets: listed }), `${version}.targets.json`)
  }

  let snapshot = current?.snapshot
  if (snapshot === undefined || isStale(snapshot) || targets !== current?.targets) {
    const version = Math.max(used.snapshot, snapshot?.signed.version ?? 0) + 1
    const meta = { 'targets.json': new MetaFile({ version: targets.signed.version }) }
    snapshot = await sign(new Snapshot({ ...yearly, version, meta }), `${version}.snapshot.json`)
  }

  let timestamp = current?.timestamp
  if (
    timestamp === undefined ||
    snapshot !== current?.snapshot ||
    !isSignedFor(root, 'timestamp', timestamp) ||
    isSeventhOver(timestamp.signed.expires, now, lifetimes.timestampSeconds)
  ) {
    const version = (timestamp?.signed.version ?? 0) + 1
    const expires = expiryAfter(now, lifetimes.timestampSeconds)
    const snapshotMeta = new MetaFile({ version: snapshot.signed.version })
    timestamp = await sign(
      new Timestamp({ specVersion, expires, version, snapshotMeta }),
      `${version}.timestamp.json`,
    )
  }
  return files.length === 0 ? undefined : { release: { targets, snapshot, timestamp }, files }
}

/** SHA-256 only: clients take the name of the file to fetch from whichever hash they please. */
function fileOf({ name, content, sigstore }: Target): TargetFile {
  return new TargetFile({
    path: name,
    length: content.length,
    hashes: { sha256: sha256Hex(content) },
    ...(sigstore && { unrecognizedFields: { custom: { sigstore } } }),
  })
}

function sameTargets(targets: Targets, listed: Readonly<Record<string, TargetFile>>): boolean {
  const names = Object.keys(listed)
  return (
    names.length === Object.keys(targets.targets).length &&
    names.every((name) => listed[name] !== undefined && targets.targets[name]?.equals(listed[name]))
  )
}
