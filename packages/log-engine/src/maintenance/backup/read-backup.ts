/** Reading a backup from its start, every checksum compared. */
import { BackupError } from './errors.ts'
import {
  type BackupPage,
  checksumBytes,
  checksumOf,
  firstChecksum,
  formatLine,
  frameHeaderBytes,
  frameKind,
  longestPayload,
  parsePage,
} from './format.ts'
import { type Manifest, notABackup, parseManifest } from './manifest.ts'

export type OpenBackup = {
  readonly manifest: Manifest
  /** To be read once; it ends where the backup does, and throws where that is too early. */
  readonly pages: AsyncIterable<BackupPage>
  /** Of everything that was read so far; after the last page that of the whole backup. */
  checksum(): Buffer
}

/** Throws `not_a_backup`, `truncated` and `damaged`, here and from `pages`. */
export async function openBackup(bytes: AsyncIterable<Uint8Array>): Promise<OpenBackup> {
  const reader = createReader(bytes)
  const line = await reader.take(formatLine.length)
  if (line === undefined || !line.equals(formatLine)) {
    throw notABackup(`it does not begin with ${JSON.stringify(formatLine.toString().trim())}`)
  }
  let checksum: Buffer = firstChecksum

  async function readFrame(): Promise<{ readonly kind: number; readonly payload: Buffer }> {
    const at = reader.position()
    const header = await reader.take(frameHeaderBytes)
    const length = header?.readUInt32BE() ?? 0
    if (length > longestPayload) throw damaged(at)
    const payload = await reader.take(length)
    const stored = await reader.take(checksumBytes)
    if (header === undefined || payload === undefined || stored === undefined)
      throw truncated(reader.position())
    const kind = header[4] ?? 0
    checksum = checksumOf(checksum, kind, payload)
    if (!checksum.equals(stored)) throw damaged(at)
    return { kind, payload }
  }

  async function* pages(): AsyncGenerator<BackupPage> {
    for (;;) {
      const { kind, payload } = await readFrame()
      if (kind === frameKind.end) break
      if (kind !== frameKind.entries)
        throw notABackup(`a frame of kind ${kind}, which a later release may write`)
      yield parsePage(payload)
    }
    const at = reader.position()
    if ((await reader.take(1)) !== undefined) throw damaged(at)
  }

  const { kind, payload } = await readFrame()
  if (kind !== frameKind.manifest) throw notABackup('it has no manifest')
  return { manifest: parseManifest(payload), pages: pages(), checksum: () => checksum }
}

/** Takes bytes off a stream in the lengths that are asked for. */
function createReader(bytes: AsyncIterable<Uint8Array>): {
  /** `undefined` when the stream ends first. */
  take(length: number): Promise<Buffer | undefined>
  position(): number
} {
  const source = bytes[Symbol.asyncIterator]()
  let chunks: Uint8Array[] = []
  let held = 0
  let position = 0
  return {
    position: () => position,
    take: async (length) => {
      while (held < length) {
        const next = await source.next()
        if (next.done === true) return undefined
        chunks.push(next.value)
        held += next.value.length
      }
      const whole = Buffer.concat(chunks)
      chunks = [whole.subarray(length)]
      held -= length
      position += length
      return whole.subarray(0, length)
    },
  }
}

function damaged(at: number): BackupError {
  return new BackupError(
    'damaged',
    `the backup is damaged at byte ${at}: a checksum does not hold; take another copy of it`,
  )
}

function truncated(at: number): BackupError {
  return new BackupError('truncated', `the backup breaks off after byte ${at}; take another copy of it`)
}
