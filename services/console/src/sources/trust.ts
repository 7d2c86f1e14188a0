/** The trusted root that checks are made against: of a file, or what the trust service publishes. */
import { readFile } from 'node:fs/promises'
import { sha256Hex } from '@sigstack/crypto'
import { parseTrustedRoot, type TrustedRoot } from '@sigstack/trust-root'
import { ask } from './ask.ts'
import { type Cached, createCached } from './cached.ts'

export type Trust = {
  readonly root: TrustedRoot
  /** Of the file, hexadecimal. */
  readonly sha256: string
  /** Where it came from, for people. */
  readonly from: string
  readonly text: string
}

export type TrustSource = Cached<Trust>

const freshMs = 30_000

export type TrustOptions = {
  readonly file?: string | undefined
  readonly url?: string | undefined
  readonly now: () => number
}

export function createTrustSource({ file, url, now }: TrustOptions): TrustSource {
  return createCached<Trust>(
    async (before) => {
      const text = await read()
      if (before?.text === text) return before
      const from = file ?? `${url}/trusted_root.json`
      return { root: parseTrustedRoot(text), sha256: sha256Hex(Buffer.from(text)), from, text }
    },
    { freshMs, now },
  )

  async function read(): Promise<string> {
    if (file !== undefined) return readFile(file, 'utf8')
    if (url === undefined) throw new Error('neither CONSOLE_TRUST_URL nor CONSOLE_TRUSTED_ROOT_FILE is set')
    const answer = await ask(url, '/trusted_root.json')
    if (answer === undefined) throw new Error('the trust service has published nothing yet')
    return answer.text()
  }
}
