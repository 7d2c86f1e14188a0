/** Bringing a mirror up to a log (C2SP tlog-mirror): its newest checkpoint, then the entries that the mirror lacks. */
import { gzipSync } from 'node:zlib'
import { type Checkpoint, encodeUpload, parseCheckpoint, type UploadPackage } from '@sigstack/checkpoint'
import { counted, escaped, memberAt, quoted, toBase64 } from '@sigstack/crypto'
import {
  encodeEntryBundle,
  proveConsistency,
  proveSubtree,
  tilesForConsistency,
  tilesForSubtree,
  tileWidth,
} from '@sigstack/merkle'
import type { TileLog } from '@sigstack/tile-client'
import { CliError } from '../errors.ts'

/** One request to the mirror, of any status. */
export type PostToMirror = (
  path: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
) => Promise<{ readonly status: number; readonly text: string }>

export type Feeding = {
  readonly log: TileLog
  readonly post: PostToMirror
  /** Told of each upload: the first entry that is missing now, and the size that is wanted. */
  readonly onProgress: (nextEntry: bigint, treeSize: bigint) => void
}

export type Fed = {
  readonly origin: string
  readonly treeSize: bigint
  /** The mirror's signature lines on the checkpoint of that size. */
  readonly lines: string
  readonly uploaded: bigint
}

const width = BigInt(tileWidth)
/** What a client should send at most in one request, and what is gathered for it in memory. */
const mostPackages = 32
const mostBytes = 16_777_216
/** Somebody else may feed the same mirror; then it is told anew where to go on. */
const mostMisfits = 8

/** Throws a `CliError` where the mirror refuses, and a `TileError` where the log cannot be read. */
export async function feedMirror({ log, post, onProgress }: Feeding): Promise<Fed> {
  const { note } = await log.checkpoint()
  const checkpoint = parseCheckpoint(note)
  const { origin, treeHead } = checkpoint
  await submit(checkpoint, note, { log, post, onProgress })
  let end = treeHead.size
  let start = end
  let uploaded = 0n
  for (let misfits = 0; ; ) {
    const sent = await packagesFrom(log, start, end)
    const body = gzipSync(encodeUpload({ origin, start, end }, sent.packages))
    const { status, text } = await post('add-entries', body, {
      'content-type': 'application/octet-stream',
      'content-encoding': 'gzip',
    })
    if (status === 200) return { origin, treeSize: end, lines: text, uploaded: uploaded + sent.end - start }
    if (status !== 202 && status !== 409) throw refusal('entries', status, text)
    if (status === 409 && ++misfits > mostMisfits) throw refusal('entries', status, 'the mirror moves away')
    const info = parseInfo(text)
    if (info.treeSize > treeHead.size) throw behind(origin, treeHead.size, info.treeSize)
    if (status === 202) uploaded += info.nextEntry - start
    end = info.treeSize
    start = info.nextEntry < end ? info.nextEntry : end
    onProgress(start, end)
  }
}

/** Makes the newest checkpoint pending, by the proof from whatever the mirror has. */
async function submit(checkpoint: Checkpoint, note: string, { log, post }: Feeding): Promise<void> {
  const { origin, treeHead } = checkpoint
  let oldSize = 0n
  for (let attempt = 0; attempt < mostMisfits; attempt++) {
    const tiles = await log.load(tilesForConsistency(oldSize, treeHead.size), treeHead.size)
    const { hashes } = proveConsistency(oldSize, treeHead.size, tiles)
    const lines = hashes.map((hash) => `${toBase64(hash)}\n`).join('')
    const body = Buffer.from(`old ${oldSize}\n${lines}\n${note}`)
    const { status, text } = await post('add-checkpoint', body, { 'content-type': 'text/plain' })
    if (status === 200) return
    if (status !== 409) throw refusal('the checkpoint', status, text)
    const size = /^(\d{1,19})\n?$/.exec(text)?.[1]
    if (size === undefined) throw refusal('the checkpoint', status, text)
    oldSize = BigInt(size)
    if (oldSize > treeHead.size) throw behind(origin, treeHead.size, oldSize)
  }
  throw new CliError('log_refused', 'the mirror gets checkpoints of this log from somebody else, faster')
}

async function packagesFrom(
  log: TileLog,
  start: bigint,
  end: bigint,
): Promise<{ readonly packages: readonly UploadPackage[]; readonly end: bigint }> {
  const packages: UploadPackage[] = []
  let bytes = 0
  let from = start
  while (from < end && packages.length < mostPackages && bytes < mostBytes) {
    const bundleStart = from - (from % width)
    const to = bundleStart + width < end ? bundleStart + width : end
    const subtree = { start: bundleStart, end: to }
    const tiles = await log.load(tilesForSubtree(subtree, end), end)
    const all = await log.entries(bundleStart / width, end)
    const entries = encodeEntryBundle(all.slice(Number(from - bundleStart)))
    packages.push({ entries, proof: proveSubtree(subtree, end, tiles).hashes })
    bytes += entries.length
    from = to
  }
  return { packages, end: from }
}

function parseInfo(text: string): { readonly treeSize: bigint; readonly nextEntry: bigint } {
  const [, treeSize, nextEntry] = /^(\d{1,19})\n(\d{1,19})\n/.exec(text) ?? []
  if (treeSize === undefined || nextEntry === undefined)
    throw new CliError('log_refused', 'the mirror does not say where the upload goes on')
  return { treeSize: BigInt(treeSize), nextEntry: BigInt(nextEntry) }
}

function refusal(what: string, status: number, text: string): CliError {
  return new CliError('log_refused', `the mirror refuses ${what} with status ${status}: ${saidIn(text)}`, {
    ...(status === 404 && {
      advice: 'Its operator puts the key of the log into the list of logs that it knows.',
    }),
  })
}

/** Of a problem in JSON (RFC 9457) what it tells people. */
function saidIn(text: string): string {
  try {
    const detail = memberAt(JSON.parse(text), 'detail')
    if (typeof detail === 'string') return escaped(detail, 300)
  } catch {
    // Mirrors of others answer in words.
  }
  return quoted(text)
}

function behind(origin: string, size: bigint, kept: bigint): CliError {
  return new CliError(
    'older_state',
    `${quoted(origin)} shows ${counted(size, 'entry', 'entries')}, and the mirror knows a tree of ${kept}`,
    {
      advice: 'The log was put back, or what is read is not its newest state: look before it is written to.',
    },
  )
}
