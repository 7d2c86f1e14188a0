/**
 * The keys of a log's shards: the first one by itself, those of later shards by name in the folder of keys, where a file
 * NAME.uri holds the URI of a key kept elsewhere.
 */

import path from 'node:path'
import { keyFingerprint, quoted, type Signer, signatureAlgorithms } from '@sigstack/crypto'
import { type ShardRow } from '@sigstack/log-engine'
import { openKeyFile, openSigner, readSecretFile, SignerError } from '@sigstack/signers'
import { RekorLogError } from '../errors.ts'

export type ShardKeys = {
  /** Of the first shard; made when there was none. */
  readonly first: Signer
  /** Where later shards' keys lie. */
  readonly folder: string
  readonly password: string
  /** As of {@link fitForLog}. */
  readonly takesEd25519?: boolean
  /** Put around each key that is opened here; `first` comes as it is to be used. */
  readonly wrap?: (signer: Signer) => Signer
}

/** Throws `foreign_key` when the key at hand is not that of the shard, and what the signer says when there is none. */
export async function openShardKey(
  keys: ShardKeys,
  row: Pick<ShardRow, 'keyFile' | 'logId' | 'name'>,
): Promise<Signer> {
  const { folder, password, wrap = (signer) => signer } = keys
  const signer =
    row.keyFile === undefined ? keys.first : wrap(await openKeyNamed(folder, row.keyFile, password, keys))
  const fingerprint = Buffer.from(keyFingerprint(signer.publicKey))
  if (!row.logId.equals(fingerprint)) {
    throw new RekorLogError(
      'foreign_key',
      `the log ${row.name} in this database belongs to key ${row.logId.toString('hex')}, not to ${fingerprint.toString('hex')}: give the key it was made with, or another database`,
    )
  }
  return signer
}

/** `name` comes from the database and is no path. */
export async function openKeyNamed(
  folder: string,
  name: string,
  password: string,
  fitness: Fitness = {},
): Promise<Signer> {
  if (path.basename(name) !== name || name === '' || name.startsWith('.')) {
    throw new Error(`${quoted(name)} is not the name of a key file`)
  }
  const location = path.resolve(folder, name)
  // The password is that of our files; a token's PIN is in a file that its URI names.
  const signer = isUriName(name)
    ? await openSigner((await readSecretFile(location)).trim())
    : await openKeyFile(location, password)
  return fitForLog(signer, fitness)
}

export type Fitness = { readonly takesEd25519?: boolean }

/**
 * Refuses a key whose signatures clients would not accept: they verify what a log signs over SHA-256, whatever the key (RFC 6962
 * section 2.1.4; Rekor's checkpoints and SETs). Where only checkpoints are signed, Ed25519 is as good.
 */
export function fitForLog(signer: Signer, options: Fitness = {}): Signer {
  const { takesEd25519 = false } = options
  const isFit =
    signatureAlgorithms[signer.algorithm].hash === 'sha256' ||
    (takesEd25519 && signer.algorithm === 'ed25519')
  if (!isFit)
    throw new SignerError(
      'unsupported_key',
      `a log cannot sign with ${signer.algorithm}: its key must be ECDSA P-256${takesEd25519 ? ', Ed25519' : ''} or RSA`,
    )
  return signer
}

/** Whether the file of that name holds a URI, and needs no password. */
export function isUriName(name: string): boolean {
  return name.endsWith('.uri')
}
