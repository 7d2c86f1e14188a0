/** A log of Rekor v1 by its public API: ours, or one of upstream, which has no `/api/v1/search`. */
import { isObject, memberAt, parseBase64, parseHex } from '@sigstack/crypto'
import { hashBytes } from '@sigstack/merkle'
import { ask, jsonOf } from './ask.ts'
import { SourceError } from './errors.ts'

/** An entry as the log answers it: every member has its form, none is believed yet. */
export type LoggedEntry = {
  /** 80 hexadecimal digits where the log names the tree, else 64. */
  readonly uuid: string
  /** Of the whole log, all shards together. */
  readonly logIndex: bigint
  /** 32 bytes. */
  readonly logId: Uint8Array
  /** Seconds since the epoch. */
  readonly integratedTime: number
  readonly body: Uint8Array
  readonly promise?: Uint8Array
  readonly proof?: EntryProof
  /** What was signed, where the log keeps it. */
  readonly attestation?: Uint8Array
}

export type EntryProof = {
  /** In its tree. */
  readonly leafIndex: bigint
  readonly treeSize: bigint
  readonly rootHash: Uint8Array
  readonly hashes: readonly Uint8Array[]
  readonly checkpoint?: string
}

/** What a search tells of an entry. */
export type FoundEntry = {
  /** Of Rekor v1, by which its page is found. */
  readonly uuid?: string
  /** The tree of Rekor v2 that it is in. */
  readonly origin?: string
  readonly logIndex: bigint
  /** Seconds since the epoch; undefined where the log does not tell it. */
  readonly integratedTime?: number
  readonly kind: string
  readonly subjects: readonly string[]
  readonly issuers: readonly string[]
  readonly keyHashes: readonly string[]
}

export type FoundPage = {
  readonly entries: readonly FoundEntry[]
  /** How far the index of the log reaches. */
  readonly indexed?: bigint
  /** The cursor of the page that follows. */
  readonly next?: string
}

export type LogShard = {
  readonly treeId: string
  readonly treeSize: bigint
  readonly rootHash: string
  readonly checkpoint: string
}

export type LogInfo = { readonly active: LogShard; readonly inactive: readonly LogShard[] }

/** Of each member what is looked for, any of which may hold. */
export type SearchQuery = Readonly<Record<string, readonly unknown[]>>

export type SearchedLogs = 'rekor-v1' | 'rekor-v2' | 'all'

export type Rekor = {
  /** By 64 or 80 hexadecimal digits. */
  entry(uuid: string): Promise<LoggedEntry | undefined>
  entryAt(logIndex: bigint): Promise<LoggedEntry | undefined>
  /** Undefined where the log has no such search. Entries of Rekor v2 have indexes of their own, so who wants them says so. */
  search(query: SearchQuery, logs: SearchedLogs): Promise<FoundPage | undefined>
  /** UUIDs by the search that every log has. */
  retrieve(query: Readonly<Record<string, unknown>>): Promise<readonly string[]>
  /** At most ten. */
  entries(uuids: readonly string[]): Promise<readonly LoggedEntry[]>
  /** At most ten, of the whole log. */
  entriesAt(logIndexes: readonly bigint[]): Promise<readonly LoggedEntry[]>
  info(): Promise<LogInfo>
  /** That a tree only grew; hashes as RFC 6962 lists them. */
  consistency(treeId: string, oldSize: bigint, newSize: bigint): Promise<readonly Uint8Array[]>
}

const largestEntryBytes = 48 * 1024 * 1024

export function createRekor(url: string): Rekor {
  return {
    async entry(uuid) {
      const answer = await ask(url, `/api/v1/log/entries/${uuid}`, { maxBytes: largestEntryBytes })
      return answer && entriesIn(jsonOf(answer))[0]
    },
    async entryAt(logIndex) {
      const answer = await ask(url, `/api/v1/log/entries?logIndex=${logIndex}`, {
        maxBytes: largestEntryBytes,
      })
      return answer && entriesIn(jsonOf(answer))[0]
    },
    async search(query, logs) {
      const body = { ...compact(query), ...(logs !== 'all' && { log: logs }) }
      const answer = await ask(url, '/api/v1/search', { method: 'POST', body })
      return answer && pageIn(jsonOf(answer))
    },
    async retrieve(query) {
      const answer = await ask(url, '/api/v1/index/retrieve', { method: 'POST', body: query })
      const uuids = answer === undefined ? [] : jsonOf(answer)
      if (!Array.isArray(uuids)) throw malformed()
      return uuids.map(textOf).filter((uuid) => isUuid(uuid))
    },
    entries: (entryUUIDs) => retrieveEntries(entryUUIDs.length, { entryUUIDs }),
    entriesAt: (indexes) => retrieveEntries(indexes.length, { logIndexes: indexes.map(Number) }),
    async info() {
      const answer = await ask(url, '/api/v1/log')
      if (answer === undefined) throw malformed()
      const told = jsonOf(answer)
      const inactive = memberAt(told, 'inactiveShards')
      return { active: shardIn(told), inactive: Array.isArray(inactive) ? inactive.map(shardIn) : [] }
    },
    async consistency(treeId, oldSize, newSize) {
      const query = `firstSize=${oldSize}&lastSize=${newSize}&treeID=${treeId}`
      const answer = await ask(url, `/api/v1/log/proof?${query}`)
      const hashes = answer && memberAt(jsonOf(answer), 'hashes')
      if (!Array.isArray(hashes) || hashes.length > 64) throw malformed()
      return hashes.map((told: unknown) => {
        const hash = bytesOf(parseHex, told)
        if (hash.length !== hashBytes) throw malformed()
        return hash
      })
    },
  }

  async function retrieveEntries(count: number, body: unknown): Promise<readonly LoggedEntry[]> {
    if (count === 0) return []
    const asked = { method: 'POST', body, maxBytes: largestEntryBytes } as const
    const answer = await ask(url, '/api/v1/log/entries/retrieve', asked)
    const list = answer === undefined ? [] : jsonOf(answer)
    if (!Array.isArray(list)) throw malformed()
    return list.flatMap(entriesIn)
  }
}

/** 64 digits are the hash of the leaf, 80 that and the tree before it. */
export function isUuid(text: string): boolean {
  return /^(?:[0-9a-f]{64}|[0-9a-f]{80})$/.test(text)
}

/** One value where there is one, as the API documents it. */
function compact(query: SearchQuery): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(query).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )
}

function entriesIn(told: unknown): readonly LoggedEntry[] {
  if (!isObject(told)) throw malformed()
  return Object.entries(told).map(([uuid, entry]) => {
    if (!isUuid(uuid)) throw malformed()
    const promise = memberAt(entry, 'verification', 'signedEntryTimestamp')
    const proof = memberAt(entry, 'verification', 'inclusionProof')
    const attestation = memberAt(entry, 'attestation', 'data')
    return {
      uuid,
      logIndex: countOf(memberAt(entry, 'logIndex')),
      logId: bytesOf(parseHex, memberAt(entry, 'logID')),
      integratedTime: secondsOf(memberAt(entry, 'integratedTime')),
      body: bytesOf(parseBase64, memberAt(entry, 'body')),
      ...(typeof promise === 'string' && { promise: bytesOf(parseBase64, promise) }),
      ...(isObject(proof) && { proof: proofIn(proof) }),
      ...(typeof attestation === 'string' && { attestation: bytesOf(parseBase64, attestation) }),
    }
  })
}

function proofIn(told: unknown): EntryProof {
  const hashes = memberAt(told, 'hashes')
  const checkpoint = memberAt(told, 'checkpoint')
  if (!Array.isArray(hashes) || hashes.length > 64) throw malformed()
  return {
    leafIndex: countOf(memberAt(told, 'logIndex')),
    treeSize: countOf(memberAt(told, 'treeSize')),
    rootHash: bytesOf(parseHex, memberAt(told, 'rootHash')),
    hashes: hashes.map((hash) => bytesOf(parseHex, hash)),
    ...(typeof checkpoint === 'string' && checkpoint !== '' && { checkpoint }),
  }
}

function pageIn(told: unknown): FoundPage {
  const entries = memberAt(told, 'entries')
  const indexed = memberAt(told, 'indexed')
  const next = memberAt(told, 'next')
  if (!Array.isArray(entries)) throw malformed()
  return {
    entries: entries.map((entry) => ({
      ...(memberAt(entry, 'log') === 'rekor-v2'
        ? { origin: textOf(memberAt(entry, 'origin')) }
        : { uuid: textOf(memberAt(entry, 'entryID')) }),
      logIndex: countOf(memberAt(entry, 'logIndex')),
      integratedTime: secondsOf(memberAt(entry, 'integratedTime')),
      kind: textOf(memberAt(entry, 'kind')),
      subjects: textsOf(memberAt(entry, 'subjects')),
      issuers: textsOf(memberAt(entry, 'issuers')),
      keyHashes: textsOf(memberAt(entry, 'keyHashes')),
    })),
    ...(indexed !== undefined && { indexed: countOf(indexed) }),
    ...(typeof next === 'string' && { next }),
  }
}

function shardIn(told: unknown): LogShard {
  return {
    treeId: textOf(memberAt(told, 'treeID')),
    treeSize: countOf(memberAt(told, 'treeSize')),
    rootHash: textOf(memberAt(told, 'rootHash')),
    checkpoint: textOf(memberAt(told, 'signedTreeHead')),
  }
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw malformed()
  return value
}

function textsOf(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw malformed()
  return value.map(textOf)
}

function countOf(value: unknown): bigint {
  if (typeof value === 'bigint' && value >= 0n) return value
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
  throw malformed()
}

/** ECMA-262 knows no time beyond this one. */
const latestSeconds = 8_640_000_000_000n

function secondsOf(value: unknown): number {
  const seconds = countOf(value)
  if (seconds > latestSeconds) throw malformed()
  return Number(seconds)
}

function bytesOf(parse: (text: string) => Uint8Array, value: unknown): Uint8Array {
  try {
    return parse(textOf(value))
  } catch (cause) {
    throw new SourceError('malformed', 'the log answers with what is no entry', { cause })
  }
}

function malformed(): SourceError {
  return new SourceError('malformed', 'the log answers in another form than its API says')
}
