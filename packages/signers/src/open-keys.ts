/** The thread of keys-ahead.ts: answers with each key in its order, or with nothing for what does not open, and ends. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'

const { pems, password } = workerData as { readonly pems: readonly string[]; readonly password: string }

for (const pem of pems) parentPort?.postMessage(keyIn(pem))

function keyIn(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: pem, format: 'pem', passphrase: password })
  } catch {
    return undefined
  }
}
