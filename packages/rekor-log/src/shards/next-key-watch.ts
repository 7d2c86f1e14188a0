/** Whether a replica could go on with the key that is prepared for what comes next: it says so in time, as nobody waits for that key yet. */
import { equalBytes, keyFingerprint, parsePublicKey, reasonOf, type Signer } from '@sigstack/crypto'
import type { NextKey } from '@sigstack/log-engine'

export type NextKeyWatch = {
  /** Takes the key that is prepared, where one is. */
  look(next: NextKey | undefined): Promise<void>
  /** Why the prepared key does not open here, where it does not. */
  trouble(): string | undefined
}

export type NextKeyWatchOptions = {
  /** By the name of its file. */
  readonly open: (keyFile: string) => Promise<Signer>
  /** Told of each key once. */
  readonly onNews: (news: string) => void
  readonly onError: (error: unknown) => void
}

/** Between two tries to open a prepared key that did not open. */
const retryMs = 10_000

export function watchNextKey({ open, onNews, onError }: NextKeyWatchOptions): NextKeyWatch {
  let announced: string | undefined
  let trouble: string | undefined
  let triedAt = 0

  async function tryKey(next: NextKey): Promise<void> {
    const signer = await open(next.keyFile)
    const expected = keyFingerprint(parsePublicKey(next.publicKey))
    if (equalBytes(keyFingerprint(signer.publicKey), expected)) return
    throw new Error(`the key file ${next.keyFile} does not hold the key that was prepared`)
  }

  return {
    trouble: () => trouble,
    look: async (next) => {
      if (next === undefined || next.keyFile === announced) {
        if (next === undefined) announced = undefined
        trouble = undefined
        return
      }
      // To open an encrypted file takes a tenth of a second of the processor.
      if (trouble !== undefined && performance.now() - triedAt < retryMs) return
      triedAt = performance.now()
      const found = await tryKey(next).then(() => undefined, reasonOf)
      if (found === undefined) {
        announced = next.keyFile
        onNews(`the key that is prepared to come next is at hand: ${next.keyFile}`)
      } else if (found !== trouble) {
        onError(new Error(`the key that is prepared to come next cannot be opened here: ${found}`))
      }
      trouble = found
    },
  }
}
