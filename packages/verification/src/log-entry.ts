/**
 * That an entry is in a log of the trusted root: by the log's promise (SET, Rekor v1), and by an inclusion proof that leads
 * to a tree head which the log signed.
 */
import { parseCheckpoint, verifyCheckpoint } from '@sigstack/checkpoint'
import {
  asBuffer,
  der,
  derOid,
  derTag,
  equalBytes,
  type PublicKey,
  parsePublicKey,
  toBase64,
  toHex,
  utf8,
  verifySignature,
} from '@sigstack/crypto'
import { asHash, leafHash, verifyInclusion } from '@sigstack/merkle'
import type { TrustedLog } from '@sigstack/trust-root'
import { type EntryProof, isOfRekorV2, type LogEntry } from './bundle.ts'
import { notVerified, refusing } from './errors.ts'
import { covers } from './periods.ts'

export type LoggedEntry = {
  readonly entry: LogEntry
  /** The time that the log vouches for; only a promise does. */
  readonly time?: Date
  /** The index that the log vouches for: by a promise, or in Rekor v2 by the proof. */
  readonly index?: bigint
  /** Those whose key verified it. */
  readonly logs: readonly TrustedLog[]
}

/** Undefined for an entry of a log that the trusted root does not list: it says nothing, and does no harm. */
export async function verifyLogEntry(
  entry: LogEntry,
  trusted: readonly TrustedLog[],
): Promise<LoggedEntry | undefined> {
  const named = trusted.filter(({ logId }) => equalBytes(logId, entry.logId))
  if (named.length === 0) return undefined
  demandForm(entry)
  if (entry.promise === undefined) {
    if (entry.proof?.checkpoint === undefined)
      throw notVerified('the log entry has neither a promise of the log nor a proof with a checkpoint')
    // Nothing vouches for such a time: it is no reason to trust anything, only one not to.
    const claimed = entry.integratedTime === 0n ? named : logsOfTime(named, timeOf(entry))
    const logs = await demandProof(entry, entry.proof, claimed)
    return { entry, logs, ...(isOfRekorV2(entry) && { index: entry.logIndex }) }
  }
  const time = timeOf(entry)
  const then = logsOfTime(named, time)
  await verifyPromise(entry, entry.promise, then)
  const logs = entry.proof === undefined ? then : await demandProof(entry, entry.proof, then)
  return { entry, time, index: entry.logIndex, logs }
}

/**
 * What an entry without a time of its own can still be held against: its log's key must have been trusted at one of the
 * times that others vouch for.
 */
export function demandLogOfTime({ time, logs }: LoggedEntry, times: readonly Date[]): void {
  if (time !== undefined || times.length === 0) return
  if (!logs.some(({ validFor }) => times.some((trusted) => covers(validFor, trusted))))
    throw notVerified('the key of the log was not trusted at the time of the signature')
}

function demandForm(entry: LogEntry): void {
  if (!isOfRekorV2(entry)) return
  if (entry.promise !== undefined) throw notVerified('an entry of Rekor v2 has no promise, this one has')
  if (entry.integratedTime !== 0n)
    throw notVerified(
      'an entry of Rekor v2 has no integrated time, and nothing vouches for the one in the bundle',
    )
  if (entry.proof !== undefined && entry.logIndex !== entry.proof.logIndex)
    throw notVerified(
      `the log index of the entry is ${entry.logIndex}, that of its inclusion proof ${entry.proof.logIndex}`,
    )
}

function logsOfTime(logs: readonly TrustedLog[], time: Date): readonly TrustedLog[] {
  const then = logs.filter(({ validFor }) => covers(validFor, time))
  if (then.length > 0) return then
  throw notVerified(`the log entry is of ${time.toISOString()}, when the key of its log was not trusted`)
}

/** Seconds that make no date were never promised. */
function timeOf({ integratedTime }: LogEntry): Date {
  const time = new Date(Number(integratedTime) * 1000)
  if (integratedTime === 0n || Number.isNaN(time.getTime()))
    throw notVerified('the log entry has a promise of the log, but no integrated time')
  return time
}

/** Rekor v1 signs its entry as canonical JSON, with numbers of any size. */
export async function verifyPromise(
  entry: Pick<LogEntry, 'body' | 'integratedTime' | 'logId' | 'logIndex'>,
  promise: Uint8Array,
  logs: readonly TrustedLog[],
): Promise<void> {
  const signed = utf8(
    `{"body":"${toBase64(entry.body)}","integratedTime":${entry.integratedTime},` +
      `"logID":"${toHex(entry.logId)}","logIndex":${entry.logIndex}}`,
  )
  for (const log of logs) if (await verifySignature(await keyOfLog(log), 'sha256', signed, promise)) return
  throw notVerified('the promise of the log (SET) does not verify')
}

/** The logs under whose key the proof's checkpoint is signed. */
async function demandProof(
  entry: LogEntry,
  proof: EntryProof,
  logs: readonly TrustedLog[],
): Promise<readonly TrustedLog[]> {
  const rootHash = asHash(proof.rootHash)
  await refusing('the log entry is not in the log', () =>
    verifyInclusion(
      { leafIndex: proof.logIndex, treeSize: proof.treeSize, siblings: proof.hashes.map(asHash) },
      leafHash(asBuffer(entry.body)),
      rootHash,
    ),
  )
  const { checkpoint } = proof
  // Of version 0.1 only, where the promise says what the checkpoint would.
  if (checkpoint === undefined) return logs
  const signedBy: TrustedLog[] = []
  let reason: unknown
  for (const log of logs) {
    try {
      await refusing('the checkpoint of the log entry does not verify', async () =>
        demandCheckpoint(checkpoint, entry, log, await keyOfLog(log), { size: proof.treeSize, rootHash }),
      )
      signedBy.push(log)
    } catch (error) {
      reason = error
    }
  }
  if (signedBy.length === 0) throw reason
  return signedBy
}

async function demandCheckpoint(
  note: string,
  entry: LogEntry,
  log: TrustedLog,
  publicKey: PublicKey,
  expectedTreeHead: NonNullable<Parameters<typeof verifyCheckpoint>[1]['expectedTreeHead']>,
): Promise<void> {
  const keyHint = log.logId.subarray(0, 4)
  // Rekor v1 signs under any name, by its key alone; in Rekor v2 the name is part of the log.
  if (!isOfRekorV2(entry)) {
    await verifyCheckpoint(note, { publicKey, keyHint, expectedTreeHead })
    return
  }
  const { origin } = parseCheckpoint(note)
  if (!namesOf(log).includes(origin)) throw notVerified('the checkpoint of the log entry is of another log')
  await verifyCheckpoint(note, { publicKey, keyHint, name: origin, expectedTreeHead })
}

/** What a log at that URL may be called: its host name alone (sigstore-go, sigstore-java), or with port and path (rekor-monitor). */
function namesOf({ baseUrl }: TrustedLog): readonly string[] {
  const url = URL.parse(baseUrl.includes('://') ? baseUrl : `https://${baseUrl}`)
  if (url === null) throw notVerified('the trusted root names no URL for the log')
  return [url.hostname.replace(/^\[(.*)\]$/, '$1'), `${url.host}${url.pathname.replace(/\/$/, '')}`]
}

const rsaOid = '1.2.840.113549.1.1.1'

const keys = new WeakMap<TrustedLog, Promise<PublicKey>>()

/** Read once for each log of a trusted root, which does not change. */
export function keyOfLog(log: TrustedLog): Promise<PublicKey> {
  const key = keys.get(log) ?? readKey(log)
  keys.set(log, key)
  return key
}

function readKey({ publicKey, keyDetails }: TrustedLog): Promise<PublicKey> {
  return refusing('the key of the log cannot be used', () =>
    // PKCS #1 is the key without the words that say of which kind it is.
    parsePublicKey(
      keyDetails.startsWith('PKCS1_')
        ? der(
            derTag.sequence,
            der(derTag.sequence, derOid(rsaOid), der(derTag.null)),
            der(derTag.bitString, Uint8Array.of(0), publicKey),
          )
        : publicKey,
    ),
  )
}
