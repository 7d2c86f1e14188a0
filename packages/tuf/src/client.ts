/**
 * What a client does with a repository (specification section 5): from a root that is trusted to the targets
 * it vouches for. Roots are followed one by one; nothing that is expired, older than what was seen, or signed
 * by too few is believed. Delegations are not followed. The repository is asked through an argument, and the
 * time is one.
 */
import { digest, toHex } from '@sigstack/crypto'
import type { Metadata, MetaFile, Root, Snapshot } from '@tufjs/models'
import { TufError } from './errors.ts'
import { type Document, isSignedFor, metadataLimitBytes, parseMetadata } from './metadata.ts'

/** Undefined where the repository has no such file. Throws where it gives no answer, or a longer one. */
export type ReadFile = (path: string, limitBytes: number) => Promise<Uint8Array | undefined>

/** The versions that were believed last; none may go back. */
export type SeenVersions = {
  readonly timestamp: number
  readonly snapshot: number
  readonly targets: number
}

export type Repository = {
  /** The newest root, to begin with next time. */
  readonly root: Uint8Array
  readonly rootVersion: number
  readonly seen: SeenVersions
  /** The first of the expiries of its metadata. */
  readonly expires: Date
  /** Undefined where the repository lists no target of this name. */
  readTarget(name: string): Promise<Uint8Array | undefined>
}

const mostRoots = 256
const mostTargetBytes = 1 << 20

/** Throws {@link TufError}. */
export async function openRepository(
  read: ReadFile,
  trusted: Uint8Array,
  seen: SeenVersions | undefined,
  now: Date,
): Promise<Repository> {
  const { bytes: rootBytes, root } = await newestRoot(read, trusted, now)
  // Who took over a key may have let versions jump; the key that replaced it begins where it likes.
  const known = sameOnlineKeys(parseMetadata('root', trusted), root) ? seen : undefined
  const prefix = (version: number): string => (root.signed.consistentSnapshot ? `${version}.` : '')

  const demand = <T extends Document>(role: keyof SeenVersions, metadata: Metadata<T>): Metadata<T> => {
    if (!isSignedFor(root, role, metadata))
      throw new TufError('not_enough_signatures', `too few keys of the root have signed the ${role} metadata`)
    demandCurrent(role, metadata.signed, now)
    const last = known?.[role] ?? 0
    if (metadata.signed.version < last)
      throw new TufError(
        'rolled_back',
        `the ${role} metadata is version ${metadata.signed.version}, and version ${last} was there before`,
      )
    return metadata
  }

  const timestamp = demand(
    'timestamp',
    parseMetadata('timestamp', await need(read, 'timestamp.json', metadataLimitBytes.timestamp)),
  )
  const { snapshotMeta } = timestamp.signed
  const snapshot = demand(
    'snapshot',
    parseMetadata(
      'snapshot',
      checked(
        snapshotMeta,
        'snapshot',
        await need(read, `${prefix(snapshotMeta.version)}snapshot.json`, metadataLimitBytes.snapshot),
      ),
    ),
  )
  demandVersion('snapshot', snapshot.signed.version, snapshotMeta)
  const targetsMeta = targetsOf(snapshot.signed)
  const targets = demand(
    'targets',
    parseMetadata(
      'targets',
      checked(
        targetsMeta,
        'targets',
        await need(read, `${prefix(targetsMeta.version)}targets.json`, metadataLimitBytes.targets),
      ),
    ),
  )
  demandVersion('targets', targets.signed.version, targetsMeta)

  const expiries = [root, timestamp, snapshot, targets].map(({ signed }) => Date.parse(signed.expires))
  return {
    root: rootBytes,
    rootVersion: root.signed.version,
    seen: {
      timestamp: timestamp.signed.version,
      snapshot: snapshot.signed.version,
      targets: targets.signed.version,
    },
    expires: new Date(Math.min(...expiries)),
    async readTarget(name) {
      const listed = targets.signed.targets
      const target = Object.hasOwn(listed, name) ? listed[name] : undefined
      if (target === undefined) return undefined
      const algorithm = target.hashes['sha256'] === undefined ? 'sha512' : 'sha256'
      const hash = target.hashes[algorithm]
      if (hash === undefined || !/^(?:[0-9a-f]{64}|[0-9a-f]{128})$/.test(hash))
        throw new TufError('damaged', `the target ${name} is listed without a digest that is known here`)
      const file = root.signed.consistentSnapshot ? `targets/${hash}.${name}` : `targets/${name}`
      const bytes = await need(read, file, Math.min(target.length, mostTargetBytes))
      if (bytes.length !== target.length || toHex(digest(algorithm, bytes)) !== hash)
        throw new TufError('damaged', `the target ${name} is not what the targets metadata lists`)
      return bytes
    },
  }
}

async function newestRoot(
  read: ReadFile,
  trusted: Uint8Array,
  now: Date,
): Promise<{ readonly bytes: Uint8Array; readonly root: Metadata<Root> }> {
  let bytes = trusted
  let root = parseMetadata('root', trusted)
  if (!isSignedFor(root, 'root', root))
    throw new TufError('not_enough_signatures', 'the root is not signed by enough of its own keys')
  for (let count = 0; ; count++) {
    const version = root.signed.version + 1
    const next = await read(`${version}.root.json`, metadataLimitBytes.root)
    if (next === undefined) break
    if (count === mostRoots)
      throw new TufError('too_large', `the repository has more than ${mostRoots} roots after the trusted one`)
    const metadata = parseMetadata('root', next)
    if (!isSignedFor(root, 'root', metadata) || !isSignedFor(metadata, 'root', metadata))
      throw new TufError(
        'not_enough_signatures',
        `root ${version} is not signed by enough keys of the root before it and of its own`,
      )
    if (metadata.signed.version !== version)
      throw new TufError('damaged', `${version}.root.json is version ${metadata.signed.version}`)
    bytes = next
    root = metadata
  }
  // Those on the way may have expired.
  demandCurrent('root', root.signed, now)
  return { bytes, root }
}

function sameOnlineKeys(before: Metadata<Root>, after: Metadata<Root>): boolean {
  return ['timestamp', 'snapshot'].every(
    (role) =>
      before.signed.roles[role]?.keyIDs.toSorted().join() ===
      after.signed.roles[role]?.keyIDs.toSorted().join(),
  )
}

async function need(read: ReadFile, path: string, limitBytes: number): Promise<Uint8Array> {
  const bytes = await read(path, limitBytes)
  if (bytes === undefined) throw new TufError('damaged', `the repository has no ${path}`)
  return bytes
}

function demandCurrent(role: string, document: Document, now: Date): void {
  if (!document.isExpired(now)) return
  throw new TufError('expired', `the ${role} metadata expired at ${document.expires}`)
}

function demandVersion(role: string, found: number, { version }: MetaFile): void {
  if (found !== version)
    throw new TufError('damaged', `the ${role} metadata is version ${found}, where ${version} is listed`)
}

function checked(meta: MetaFile, role: string, bytes: Uint8Array): Uint8Array {
  try {
    meta.verify(Buffer.from(bytes))
    return bytes
  } catch (cause) {
    throw new TufError('damaged', `the ${role} metadata is not the file that is listed`, { cause })
  }
}

function targetsOf({ meta }: Snapshot): MetaFile {
  const found = Object.hasOwn(meta, 'targets.json') ? meta['targets.json'] : undefined
  if (found === undefined) throw new TufError('damaged', 'the snapshot lists no targets.json')
  return found
}
