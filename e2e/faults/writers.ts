/** Clients that never give up: each entry is sent until the log has said that it holds it. */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogEntry } from '../support/checker/checker.ts'
import type { OutsideChecker } from '../support/checker/outside-checker.ts'
import type { Random } from '../support/random.ts'

export type Writers = {
  /** Errors that were seen and survived, by what they were. */
  readonly survived: ReadonlyMap<string, number>
  /** What a client must never see, or what the checker found; it ends the writing. */
  failure(): unknown
  /** Lets the begun entries be answered, then ends. Throws the failure, if there was one. */
  stop(): Promise<void>
  /** Ends without waiting for answers. */
  abandon(): Promise<void>
}

export type WritersOptions = {
  /** Front doors of the replicas; each try takes another one. */
  readonly urls: () => readonly string[]
  readonly writers: number
  /** Of all writers together. */
  readonly entriesPerSecond: number
  readonly random: Random
  readonly checker: Pick<OutsideChecker, 'hold'>
  /** Told of a request that has had no answer for {@link longestWaitMs}, while it may still be looked into. */
  readonly onSilence?: (url: string, request: string) => void
}

const longestWaitMs = 20_000

const lost = 'connection lost'
export const noAnswer = 'no answer within 20 s'
/** What a client is told when it is to come back. */
const comeBack: readonly number[] = [429, 503]

export function startWriters(options: WritersOptions): Writers {
  const { urls, checker, random } = options
  const survived = new Map<string, number>()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicKeyPem = publicKey.export({ format: 'pem', type: 'spki' }) as string
  const pauseMs = (options.writers / options.entriesPerSecond) * 1000
  const abandoned = new AbortController()
  let stopping = false
  let failure: unknown

  async function write(): Promise<void> {
    while (!stopping && failure === undefined) {
      try {
        await Promise.all([sendUntilHeld(proposal()), sleep(pauseMs)])
      } catch (error) {
        failure ??= error
      }
    }
  }

  async function sendUntilHeld(body: string): Promise<void> {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
    const answer = await untilAnswered('/api/v1/log/entries', post)
    if (answer.status === 201) return holdAll(answer.text)
    if (answer.status !== 409) throw new Error(`the log answered ${answer.status}: ${answer.text}`)
    count('409: the entry of an unanswered try')
    // The address of a 409 must be readable at once, at every front door.
    const existing = await untilAnswered(answer.location, {})
    if (existing.status !== 200)
      throw new Error(`${answer.location} of a 409 answered ${existing.status}: ${existing.text}`)
    await holdAll(existing.text)
  }

  type Answered = { readonly status: number; readonly text: string; readonly location: string }

  /** The first answer that is none of those after which a client comes back. */
  async function untilAnswered(path: string, init: RequestInit): Promise<Answered> {
    for (;;) {
      abandoned.signal.throwIfAborted()
      const url = random.pick(urls())
      try {
        const answer = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(longestWaitMs) })
        const { status, headers } = answer
        const text = await answer.text()
        if (!comeBack.includes(status)) return { status, text, location: headers.get('location') ?? '' }
        if (headers.get('retry-after') === null) throw new Error(`a ${status} without Retry-After: ${text}`)
        count(String(status))
        // Sooner than it says, to be there when things are half up.
        await sleep(100)
      } catch (error) {
        if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error
        if (error instanceof DOMException) options.onSilence?.(url, `${init.method ?? 'GET'} ${path}`)
        count(error instanceof TypeError ? lost : noAnswer)
        await sleep(20)
      }
    }
  }

  async function holdAll(text: string): Promise<void> {
    for (const [uuid, entry] of Object.entries(JSON.parse(text) as Record<string, LogEntry>)) {
      await checker.hold(uuid, entry)
    }
  }

  function proposal(): string {
    const artifact = randomBytes(16)
    return JSON.stringify({
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: createHash('sha256').update(artifact).digest('hex') } },
        signature: {
          content: sign('sha256', artifact, privateKey).toString('base64'),
          publicKey: { content: Buffer.from(publicKeyPem).toString('base64') },
        },
      },
    })
  }

  function count(what: string): void {
    survived.set(what, (survived.get(what) ?? 0) + 1)
  }

  const done = Promise.all(Array.from({ length: options.writers }, write))
  return {
    survived,
    failure: () => failure,
    stop: async () => {
      stopping = true
      await done
      if (failure !== undefined) throw failure
    },
    abandon: async () => {
      abandoned.abort(new Error('abandoned'))
      await done
    },
  }
}
