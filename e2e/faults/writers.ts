/** Clients that never give up: each entry is sent until the log has said that it holds it. */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Checker, LogEntry } from './checker.ts'

export type Writers = {
  /** Errors that were seen and survived, by what they were. */
  readonly survived: ReadonlyMap<string, number>
  /** Lets the begun entries be answered, then ends. Throws what the checker threw. */
  stop(): Promise<void>
}

/** @param urls Front doors of the replicas; each try takes another one. */
export function startWriters(options: {
  readonly urls: () => readonly string[]
  readonly writers: number
  readonly checker: Checker
}): Writers {
  const { urls, checker } = options
  const survived = new Map<string, number>()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicKeyPem = publicKey.export({ format: 'pem', type: 'spki' }) as string
  let stopping = false
  let failure: unknown

  async function write(): Promise<void> {
    while (!stopping && failure === undefined) {
      try {
        await sendUntilHeld(proposal())
      } catch (error) {
        failure ??= error
      }
    }
  }

  async function sendUntilHeld(body: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const doors = urls()
      const url = doors[Math.floor(Math.random() * doors.length)] as string
      let answer: Response
      let text: string
      try {
        answer = await fetch(`${url}/api/v1/log/entries`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
          signal: AbortSignal.timeout(20_000),
        })
        text = await answer.text()
      } catch {
        count('connection lost')
        await sleep(20)
        continue
      }
      if (answer.status === 201) return holdAll(text)
      if (answer.status === 409) {
        count('409: the entry of an unanswered try')
        return holdExisting(url, answer.headers.get('location') ?? '')
      }
      if (answer.status !== 503) throw new Error(`the log answered ${answer.status}: ${text}`)
      count('503')
      await sleep(50)
    }
  }

  /** The address of a 409 must be readable at once, unless the server dies in that moment. */
  async function holdExisting(url: string, location: string): Promise<void> {
    try {
      const answer = await fetch(`${url}${location}`)
      const text = await answer.text()
      if (answer.status === 200) return await holdAll(text)
      if (answer.status !== 503) throw new Error(`${location} of a 409 answered ${answer.status}: ${text}`)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      count('connection lost')
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
    stop: async () => {
      stopping = true
      await done
      if (failure !== undefined) throw failure
    },
  }
}
