/** The log's side of C2SP tlog-witness: one witness, asked by its submission prefix. */
import { type NoteKey, parseCheckpoint, type VerifiedLine, verifyLines } from '@sigstack/checkpoint'
import { toBase64 } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import type { CosignedLog, SignedCheckpoint } from '@sigstack/log-engine'

export type WitnessClient = {
  /**
   * Its cosignatures on the checkpoint. One at a time: while one is on its way the newest waits, and those before it throw. Throws
   * {@link AheadOfHead} when it has cosigned a larger tree, and whatever else went wrong.
   */
  cosign(checkpoint: SignedCheckpoint, log: CosignedLog): Promise<readonly VerifiedLine[]>
}

/** Another process of this log was quicker. */
export class AheadOfHead extends Error {
  override readonly name = 'AheadOfHead'
}

export type WitnessClientOptions = {
  /** Without a slash at the end. */
  readonly url: string
  /** Those of its keys that the policy knows. */
  readonly keys: readonly NoteKey[]
  readonly timeoutMs: number
}

/** The first says how far it is, the second may find that a copy of this log was quicker. */
const mostTries = 3
/** 16 lines of ML-DSA-44. */
const longestAnswer = 65_536

export function createWitnessClient({ url, keys, timeoutMs }: WitnessClientOptions): WitnessClient {
  /** What it has cosigned last, as far as is known here. */
  let size = 0n
  let current: Promise<unknown> | undefined
  let overtake: (() => void) | undefined

  async function cosign(checkpoint: SignedCheckpoint, log: CosignedLog): Promise<readonly VerifiedLine[]> {
    overtake?.()
    if (current !== undefined) {
      const overtaken = new Promise<'overtaken'>((resolve) => {
        overtake = () => resolve('overtaken')
      })
      if ((await Promise.race([current.catch(() => undefined), overtaken])) === 'overtaken')
        throw new Error('a later checkpoint was submitted in its place')
      overtake = undefined
    }
    const submitted = submit(checkpoint, log)
    current = submitted
    try {
      return await submitted
    } finally {
      if (current === submitted) current = undefined
    }
  }

  async function submit(checkpoint: SignedCheckpoint, log: CosignedLog): Promise<readonly VerifiedLine[]> {
    for (let attempt = 1; ; attempt++) {
      if (size > checkpoint.treeHead.size)
        throw new AheadOfHead(`it has cosigned a tree of ${size}, this one is of ${checkpoint.treeHead.size}`)
      const { status, text } = await post(await bodyOf(checkpoint, log))
      if (status === 200) {
        const lines = await linesOf(checkpoint, text)
        size = checkpoint.treeHead.size
        return lines
      }
      const told = status === 409 ? /^(0|[1-9]\d{0,18})\n$/.exec(text)?.[1] : undefined
      if (status === 404)
        throw new Error('it knows no such log (404): whoever runs it puts the key of this log into its list')
      if (told === undefined || attempt === mostTries) throw new Error(`it answered with status ${status}`)
      size = BigInt(told)
    }
  }

  async function bodyOf({ treeHead, note }: SignedCheckpoint, log: CosignedLog): Promise<string> {
    const hashes =
      size === 0n || size === treeHead.size ? [] : (await log.proveConsistency(size, treeHead.size)).hashes
    return `old ${size}\n${hashes.map((hash) => `${toBase64(hash)}\n`).join('')}\n${note}`
  }

  async function post(body: string): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await requestBounded(`${url}/add-checkpoint`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      timeoutMs,
      maxBytes: longestAnswer,
    })
    return { status: answer.status, text: answer.bytes.toString('utf8') }
  }

  /** Lines of unknown keys are passed over; one that is false, or has no time, is none. */
  async function linesOf({ note }: SignedCheckpoint, answer: string): Promise<readonly VerifiedLine[]> {
    const lines = await verifyLines(parseCheckpoint(note + answer), keys)
    const timed = lines.filter(({ timeSeconds }) => timeSeconds !== undefined && timeSeconds > 0n)
    if (timed.length === 0) throw new Error('its answer has no line by a key of the policy')
    return timed
  }

  return { cosign }
}
