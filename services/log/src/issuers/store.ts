/** Issuers of certificates in a CT log, by fingerprint (C2SP static-ct-api): readers of tiles ask for each of them once. */
import { sha256, sha256Hex } from '@sigstack/crypto'
import { orUnavailable } from '@sigstack/log-engine'
import { migrate, type Pool } from '@sigstack/postgres'
import { LRUCache } from 'lru-cache'

export type IssuerStore = {
  /** Resolves when all of them can be read. Throws LogError `unavailable`. */
  keep(issuers: readonly Uint8Array[]): Promise<void>
  /** @param fingerprint SHA-256 of the DER, in lower-case hex. */
  read(fingerprint: string): Promise<Uint8Array | undefined>
}

/** A CA has few; this is a bound, not a working size. */
const mostKnown = 10_000

/** Brings its table up to date. */
export async function openIssuers(pool: Pool): Promise<IssuerStore> {
  await migrate(pool, { component: 'log-issuers', directory: new URL('./migrations/', import.meta.url) })
  /** That are stored; the same few come with every certificate. */
  const known = new LRUCache<string, true>({ max: mostKnown })

  async function store(der: Uint8Array, fingerprint: string): Promise<void> {
    await pool.query({
      name: 'issuer-keep',
      text: 'insert into ct_issuer (sha256, der) values ($1, $2) on conflict do nothing',
      values: [Buffer.from(sha256(der)), Buffer.from(der)],
    })
    known.set(fingerprint, true)
  }

  return {
    keep: async (issuers) => {
      for (const der of issuers) {
        const fingerprint = sha256Hex(der)
        if (!known.has(fingerprint)) await orUnavailable(store(der, fingerprint))
      }
    },
    read: async (fingerprint) => {
      const { rows } = await orUnavailable(
        pool.query<{ der: Buffer }>({
          name: 'issuer-read',
          text: 'select der from ct_issuer where sha256 = $1',
          values: [Buffer.from(fingerprint, 'hex')],
        }),
      )
      return rows[0]?.der
    },
  }
}
