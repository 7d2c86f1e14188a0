/** Certificates of a CA that rules trust: those of a file, or what the CA itself answers, which changes when it is rotated. */
import { memberAt, parsePemBlocks } from '@sigstack/crypto'
import { type Certificate, parseCertificate } from '@sigstack/x509'
import { fetchText } from '../fetch-text.ts'

export type Chains = {
  /** `undefined` as long as they are not known. */
  current(): readonly Certificate[] | undefined
  /** Asks again, at most once a second; true when they are others now. Never throws. */
  refresh(): Promise<boolean>
}

const longestAnswer = 1_048_576
const minimumPauseMs = 1_000
const mostCertificates = 1_000

export function isChainUrl(text: string): boolean {
  return /^https?:\/\//i.test(text)
}

export function fixedChains(certificates: readonly Certificate[]): Chains {
  return { current: () => certificates, refresh: async () => false }
}

/** In one process the log starts before its CA: so often a first answer is asked for before its absence is told. */
const quietTries = 5

/**
 * @param url Of `/api/v2/trustBundle`, which has all chains, or of PEM. The CA may start later.
 * @param onError Told once, until there is an answer again.
 */
export function urlChains(url: string, onError: (error: unknown) => void, retryMs = 1_000): Chains {
  let failures = 0
  let text: string | undefined
  let certificates: readonly Certificate[] | undefined
  let asking: Promise<boolean> | undefined
  let askedAt = Number.NEGATIVE_INFINITY

  async function ask(): Promise<boolean> {
    try {
      const answer = await fetchText(url, 'the chains', longestAnswer)
      if (answer === text) {
        failures = 0
        return false
      }
      certificates = certificatesIn(answer)
      text = answer
      failures = 0
      return true
    } catch (error) {
      failed(error)
      return false
    } finally {
      askedAt = performance.now()
      asking = undefined
    }
  }

  function failed(error: unknown): void {
    failures++
    const patience = certificates === undefined ? quietTries : 0
    if (failures === patience + 1) onError(error)
    if (failures <= patience)
      setTimeout(() => {
        asking ??= ask()
      }, retryMs).unref()
  }

  return {
    current: () => certificates,
    refresh: async () => {
      if (asking === undefined && performance.now() - askedAt < minimumPauseMs) return false
      asking ??= ask()
      return asking
    },
  }
}

/** PEM, or the JSON of `/api/v2/trustBundle`. Throws when there is no certificate in it. */
export function certificatesIn(text: string): readonly Certificate[] {
  const blocks = parsePemBlocks(text.trimStart().startsWith('{') ? pemOfBundle(text) : text)
  const certificates = blocks
    .filter(({ type }) => type === 'CERTIFICATE')
    .map(({ der }) => parseCertificate(der))
  if (certificates.length === 0) throw new Error('it holds no certificate')
  if (certificates.length > mostCertificates)
    throw new Error(`it holds more than ${mostCertificates} certificates`)
  return certificates
}

function pemOfBundle(text: string): string {
  const chains = memberAt(JSON.parse(text), 'chains')
  if (!Array.isArray(chains)) throw new Error('it has no list of chains')
  return chains
    .flatMap((chain: { readonly certificates?: unknown } | null) => chain?.certificates)
    .filter((pem) => typeof pem === 'string')
    .join('\n')
}
