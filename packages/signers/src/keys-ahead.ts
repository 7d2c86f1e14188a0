/**
 * Opens encrypted key files in a thread before they are asked for. Each takes a tenth of a second of a processor, and Node has no call
 * that opens one without holding up its thread.
 */
import { createHash, type KeyObject } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { readSecretFile } from './secret-file.ts'
import { isRandomPassword } from './stretching.ts'

export type KeysAhead = {
  /** Keys that nobody has asked for yet. */
  left(): number
  /** Forgets those, and ends the thread. */
  close(): void
}

/** By what the file says and its password; undefined for what does not open. */
const opened = new Map<string, Promise<KeyObject | undefined>>()

/**
 * Begins to open those of `paths` that are there, in this order. {@link openKeyFile} takes each once, or waits for it; what cannot be
 * read or opened is told then, to whoever asks for it.
 */
export async function openKeysAhead(paths: readonly string[], password: string): Promise<KeysAhead> {
  const none = { left: () => 0, close: () => {} }
  // These open at once.
  if (isRandomPassword(password)) return none
  const read = await Promise.all(paths.map((path) => readSecretFile(path).catch(() => undefined)))
  const pems = read.filter((pem) => pem !== undefined)
  const names = pems.map((pem) => nameOf(pem, password))
  if (pems.length === 0) return none

  const keys = pems.map(() => Promise.withResolvers<KeyObject | undefined>())
  for (const [at, name] of names.entries()) {
    const key = keys[at]
    if (key !== undefined) opened.set(name, key.promise)
  }
  const thread = new Worker(new URL('./open-keys.ts', import.meta.url), { workerData: { pems, password } })
  let at = 0
  thread.on('message', (key: KeyObject | undefined) => keys[at++]?.resolve(key))
  // Whatever ends it, nobody waits for it any more.
  thread.on('error', () => {})
  thread.on('exit', () => {
    for (const key of keys) key.resolve(undefined)
  })
  return {
    left: () => names.filter((name) => opened.has(name)).length,
    close: () => {
      for (const name of names) opened.delete(name)
      void thread.terminate()
    },
  }
}

/** The key that was opened ahead, for the first who asks. */
export async function takeOpened(pem: string, password: string): Promise<KeyObject | undefined> {
  const name = nameOf(pem, password)
  const key = opened.get(name)
  opened.delete(name)
  return key
}

function nameOf(pem: string, password: string): string {
  return createHash('sha256')
    .update(JSON.stringify([pem, password]))
    .digest('hex')
}
