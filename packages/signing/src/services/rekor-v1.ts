/** Entries of a Rekor v1 log: `hashedrekord` for a plain signature, `dsse` for an envelope. */
import {
  type JsonValue,
  memberAt,
  parseBase64,
  parseHex,
  toBase64,
  toHex,
  utf8,
  withoutEnd,
} from '@sigstack/crypto'
import type { HttpAnswer } from '@sigstack/http-client'
import type { Bundle, LogEntry } from '@sigstack/verification'
import { encodeEnvelope } from '../encode-bundle.ts'
import { ConflictError, type Exchange, get, jsonOf, post, ServiceError } from './ask-service.ts'

const timeoutMs = 90_000
/** One a shard of the log. */
const mostFound = 100

/** `verifierPem`: the certificate, or the public key where there is none. Throws {@link ServiceError}. */
export async function proposeEntry(
  logUrl: string,
  content: Bundle['content'],
  verifierPem: string,
  exchange: Exchange,
): Promise<LogEntry> {
  const url = `${withoutEnd(logUrl, '/')}/api/v1/log/entries`
  const way = { timeoutMs, exchange }
  const answer = await post(url, proposalOf(content, verifierPem), way).catch((error: unknown) => {
    // It is in the log already, as after an answer that got lost; the log says where.
    const id = error instanceof ConflictError ? error.location?.split('/').pop() : undefined
    if (id === undefined) throw error
    return get(`${url}/${encodeURIComponent(id)}`, way)
  })
  return parseAnswer(answer)
}

/** The entry at an index of the whole log, with the proof of today. Throws {@link ServiceError}. */
export async function readEntry(logUrl: string, logIndex: bigint, exchange: Exchange): Promise<LogEntry> {
  const url = `${withoutEnd(logUrl, '/')}/api/v1/log/entries?logIndex=${logIndex}`
  return parseAnswer(await get(url, { timeoutMs, exchange }))
}

/** What the log is asked about: a signature as it is kept, and whose it is. */
export type Sought = {
  readonly content: Bundle['content']
  readonly verifierPem: string
  /** The envelope byte for byte: the log knows it by the digest of its text. */
  readonly envelope?: string | undefined
}

/**
 * The entries that the log holds of this very signature, the earliest first, none of them verified. Throws
 * {@link ServiceError}.
 */
export async function searchEntries(
  logUrl: string,
  sought: Sought,
  exchange: Exchange,
): Promise<readonly LogEntry[]> {
  const url = `${withoutEnd(logUrl, '/')}/api/v1/log/entries/retrieve`
  const answer = await post(url, { entries: soughtAs(sought) }, { timeoutMs, exchange })
  const found = jsonOf(answer)
  if (!Array.isArray(found))
    throw new ServiceError('it answers with something that is no list', answer.status)
  return found
    .slice(0, mostFound)
    .map((each) => reading(answer, () => entryOf(each)))
    .toSorted((one, other) => Number(one.integratedTime - other.integratedTime))
}

/** An envelope may have been entered as either of two kinds. */
function soughtAs({ content, verifierPem, envelope }: Sought): readonly JsonValue[] {
  if (content.type !== 'envelope') return [proposalOf(content, verifierPem)]
  const text = envelope ?? encodeEnvelope(content)
  const publicKey = toBase64(utf8(verifierPem))
  return [
    dsseProposal(text, publicKey),
    { apiVersion: '0.0.1', kind: 'intoto', spec: { content: { envelope: text }, publicKey } },
  ]
}

function parseAnswer(answer: HttpAnswer): LogEntry {
  return reading(answer, () => entryOf(jsonOf(answer)))
}

function reading<Result>(answer: HttpAnswer, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof ServiceError) throw cause
    throw new ServiceError('it answers with something that is no entry', answer.status, { cause })
  }
}

function proposalOf(content: Bundle['content'], verifierPem: string): JsonValue {
  const verifier = toBase64(utf8(verifierPem))
  if (content.type === 'envelope') return dsseProposal(encodeEnvelope(content), verifier)
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: content.algorithm, value: toHex(content.digest) } },
      signature: { content: toBase64(content.signature), publicKey: { content: verifier } },
    },
  }
}

function dsseProposal(envelope: string, verifier: string): JsonValue {
  return { apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent: { envelope, verifiers: [verifier] } } }
}

function entryOf(answer: unknown): LogEntry {
  const [entry, ...more] = Object.values(answer as object) as unknown[]
  if (more.length > 0) throw new ServiceError('it answers with several entries')
  const body = parseBase64(textOf(entry, 'body'))
  const content: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
  const verification = memberAt(entry, 'verification')
  const promise = memberAt(verification, 'signedEntryTimestamp')
  const proof = memberAt(verification, 'inclusionProof')
  return {
    logIndex: countOf(entry, 'logIndex'),
    logId: parseHex(textOf(entry, 'logID')),
    kind: textOf(content, 'kind'),
    version: textOf(content, 'apiVersion'),
    integratedTime: countOf(entry, 'integratedTime'),
    body,
    ...(typeof promise === 'string' && { promise: parseBase64(promise) }),
    ...(proof !== undefined && { proof: proofOf(proof) }),
  }
}

function proofOf(proof: unknown): NonNullable<LogEntry['proof']> {
  const hashes = memberAt(proof, 'hashes')
  return {
    logIndex: countOf(proof, 'logIndex'),
    treeSize: countOf(proof, 'treeSize'),
    rootHash: parseHex(textOf(proof, 'rootHash')),
    hashes: (Array.isArray(hashes) ? hashes : []).map((hash) => parseHex(String(hash))),
    checkpoint: textOf(proof, 'checkpoint'),
  }
}

function textOf(value: unknown, name: string): string {
  const text = memberAt(value, name)
  if (typeof text !== 'string') throw new ServiceError(`it answers with an entry without ${name}`)
  return text
}

function countOf(value: unknown, name: string): bigint {
  const count = memberAt(value, name)
  if (!Number.isSafeInteger(count)) throw new ServiceError(`it answers with an entry without ${name}`)
  return BigInt(count as number)
}
