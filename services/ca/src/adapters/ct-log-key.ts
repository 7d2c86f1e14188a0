/**
 * Public keys of CT logs from the logs themselves, for deployments where both start for the first time together. They are trusted on
 * first use and kept in the data folder, so a log that later shows another key gains nothing: its SCTs do not verify.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  encodePublicKeyPem,
  errorCode,
  parsePublicKeyPem,
  reasonOf,
  sha256,
  toHex,
  utf8,
} from '@sigstack/crypto'
import { createFile, makeFolder } from '@sigstack/server'
import { createHttpPool } from './http-pool.ts'

const longestKey = 16 * 1024

export type CtLogKeyOptions = {
  /** How long the log may take to answer; default 60,000 ms. */
  readonly patienceMs?: number
  readonly retryMs?: number
  /** Ends the waiting. */
  readonly signal?: AbortSignal
}

/** That of the first log, as releases that knew one log have kept it. */
const formerName = 'ct-log.pub.pem'

/** The PEMs kept in `dataFolder`, one after the other; the first time each comes from its URL. Throws one sentence for the operator. */
export async function ctLogKeysOnFirstUse(
  urls: readonly string[],
  dataFolder: string,
  options: CtLogKeyOptions = {},
): Promise<string> {
  const former = await readKept(join(dataFolder, formerName))
  const keys = await Promise.all(
    urls.map(async (url, at) => {
      const path = join(dataFolder, keptName(url))
      return (
        (await readKept(path)) ??
        (at === 0 ? former : undefined) ??
        (await keyOnFirstUse(url, path, dataFolder, options))
      )
    }),
  )
  // Each is one key, whatever else its file holds: by their order they belong to the logs.
  return keys.map((pem) => encodePublicKeyPem(parsePublicKeyPem(pem))).join('')
}

/** By the URL, so that another order of the logs gives no log the key of another. */
function keptName(url: string): string {
  return `ct-log-${toHex(sha256(utf8(url))).slice(0, 16)}.pub.pem`
}

async function keyOnFirstUse(
  url: string,
  path: string,
  dataFolder: string,
  options: CtLogKeyOptions,
): Promise<string> {
  const pem = await fetchPatiently(url, options)
  await makeFolder(dataFolder, { mode: 0o700 })
  // Where another replica was faster, its key counts.
  await createFile(path, pem)
  return (await readKept(path)) ?? pem
}

async function readKept(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined
    throw new Error(`the kept key of the CT log in ${path} cannot be read`, { cause })
  }
}

async function fetchPatiently(url: string, options: CtLogKeyOptions): Promise<string> {
  const { patienceMs = 60_000, retryMs = 500, signal } = options
  const end = performance.now() + patienceMs
  for (;;) {
    try {
      return await fetchKey(url)
    } catch (cause) {
      if (performance.now() + retryMs > end) {
        const reason = reasonOf(cause)
        throw new Error(`CA_CT_LOG_PUBLIC_KEY_URL ${url} gave no public key: ${reason}`, { cause })
      }
    }
    await sleep(retryMs, undefined, signal === undefined ? {} : { signal })
  }
}

async function fetchKey(url: string): Promise<string> {
  const pool = createHttpPool(url, longestKey)
  try {
    const { pathname, search } = new URL(url)
    const { status, text } = await pool.request({
      path: pathname + search,
      method: 'GET',
      timeoutMs: 5_000,
    })
    if (status !== 200) throw new Error(`it answered with status ${status}`)
    parsePublicKeyPem(text)
    return text
  } finally {
    await pool.close()
  }
}
