/** The trusted root that checks are made against: of a file, or what the trust service publishes, asked again when it is old. */
import { readFile } from 'node:fs/promises'
import { reasonOf, sha256Hex } from '@sigstack/crypto'
import { parseTrustedRoot, type TrustedRoot } from '@sigstack/trust-root'
import { ask } from './ask.ts'

export type Trust = {
  readonly root: TrustedRoot
  /** Of the file, hexadecimal. */
  readonly sha256: string
  /** Where it came from, for people. */
  readonly from: string
  readonly text: string
}

export type TrustSource = {
  /** The newest that could be had; with why there is none, or none newer. */
  current(): Promise<{ readonly trust?: Trust; readonly fault?: string }>
}

const freshMs = 30_000

export type TrustOptions = {
  readonly file?: string | undefined
  readonly url?: string | undefined
  readonly now: () => number
}

export function createTrustSource({ file, url, now }: TrustOptions): TrustSource {
  let trust: Trust | undefined
  let fault: string | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  async function refresh(): Promise<void> {
    try {
      const text = await read()
      if (text !== trust?.text)
        trust = {
          root: parseTrustedRoot(text),
          sha256: sha256Hex(Buffer.from(text)),
          from: file === undefined ? `${url}/trusted_root.json` : file,
          text,
        }
      fault = undefined
    } catch (error) {
      fault = reasonOf(error)
    }
    askedAt = now()
  }

  async function read(): Promise<string> {
    if (file !== undefined) return readFile(file, 'utf8')
    if (url === undefined) throw new Error('neither CONSOLE_TRUST_URL nor CONSOLE_TRUSTED_ROOT_FILE is set')
    const answer = await ask(url, '/trusted_root.json')
    if (answer === undefined) throw new Error('the trust service has published nothing yet')
    return answer.text()
  }

  return {
    async current() {
      if (now() - askedAt > freshMs) {
        asking ??= refresh().finally(() => {
          asking = undefined
        })
        // Whoever has an older one is not kept waiting.
        if (trust === undefined) await asking
      }
      return { ...(trust !== undefined && { trust }), ...(fault !== undefined && { fault }) }
    },
  }
}
