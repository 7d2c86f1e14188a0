/** Whether what runs is what is published: each service is asked for its key or chain, which the trusted root must list. */
import { equalBytes, memberAt, parsePemBlocks, reasonOf } from '@sigstack/crypto'
import type { TrustedRoot } from '@sigstack/trust-root'
import type { ServiceUrls } from '../config.ts'
import { ask, jsonOf } from '../sources/ask.ts'

export type Drift = {
  readonly service: string
  readonly state: 'verified' | 'failed' | 'unchecked'
  readonly why: string
}

type Source = {
  readonly service: string
  readonly url: string | undefined
  read(url: string): Promise<readonly Uint8Array[]>
  readonly listed: (root: TrustedRoot) => readonly Uint8Array[]
}

const sources = (urls: ServiceUrls): readonly Source[] => [
  {
    service: 'Rekor',
    url: urls.rekor,
    read: (url) => pemOf(url, '/api/v1/log/publicKey'),
    listed: ({ tlogs }) => tlogs.map(({ publicKey }) => publicKey),
  },
  {
    service: 'Rekor v2',
    url: urls.rekorV2,
    read: (url) => pemOf(url, '/publicKey'),
    listed: ({ tlogs }) => tlogs.map(({ publicKey }) => publicKey),
  },
  {
    service: 'Log of certificates',
    url: urls.ct,
    read: (url) => pemOf(url, '/publicKey'),
    listed: ({ ctlogs }) => ctlogs.map(({ publicKey }) => publicKey),
  },
  {
    service: 'Certificate authority',
    url: urls.ca,
    read: (url) => lowestOfBundle(url, '/api/v2/trustBundle'),
    listed: ({ certificateAuthorities }) => certificateAuthorities.flatMap(({ chain }) => chain.slice(0, 1)),
  },
  {
    service: 'Timestamp authority',
    url: urls.tsa,
    read: (url) => lowestOfChain(url, '/api/v1/timestamp/certchain'),
    listed: ({ timestampAuthorities }) => timestampAuthorities.flatMap(({ chain }) => chain.slice(0, 1)),
  },
]

/** Never throws: what cannot be asked is told as not checked. */
export function findDrift(urls: ServiceUrls, root: TrustedRoot): Promise<readonly Drift[]> {
  const asked = sources(urls).flatMap(({ url, ...source }) => (url === undefined ? [] : [{ ...source, url }]))
  return Promise.all(
    asked.map(async ({ service, url, read, listed }): Promise<Drift> => {
      try {
        const running = await read(url)
        const known = listed(root)
        const unknown = running.filter((key) => !known.some((other) => equalBytes(key, other)))
        if (running.length === 0) return { service, state: 'unchecked', why: 'it tells no key' }
        return unknown.length === 0
          ? { service, state: 'verified', why: 'what it uses is published' }
          : { service, state: 'failed', why: 'it uses a key or chain that is not published' }
      } catch (error) {
        return { service, state: 'unchecked', why: reasonOf(error) }
      }
    }),
  )
}

async function pemOf(url: string, path: string): Promise<readonly Uint8Array[]> {
  const answer = await ask(url, path)
  return answer === undefined ? [] : parsePemBlocks(answer.text()).map(({ der }) => der)
}

async function lowestOfChain(url: string, path: string): Promise<readonly Uint8Array[]> {
  return (await pemOf(url, path)).slice(0, 1)
}

async function lowestOfBundle(url: string, path: string): Promise<readonly Uint8Array[]> {
  const answer = await ask(url, path)
  const chains = answer === undefined ? undefined : memberAt(jsonOf(answer), 'chains')
  return (Array.isArray(chains) ? chains : []).flatMap((chain: unknown) => {
    const pem = memberAt(chain, 'certificates', 0)
    return typeof pem === 'string' ? parsePemBlocks(pem).map(({ der }) => der) : []
  })
}
