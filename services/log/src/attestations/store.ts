/** Attestations beside the log (rekor-v1.md section 13.5): kept for whoever reads the entry, and never in the way of writing it. */
import { migrate, type Pool } from '@sigstack/postgres'

export type AttestationOptions = {
  readonly pool: Pool
  /** `hash-only` remembers hash and size, and none of the content. */
  readonly mode: 'hash-only' | 'store'
  /** Larger ones are not kept; their entries are accepted all the same. */
  readonly maxBytes: number
  readonly onOutcome?: (outcome: AttestationOutcome) => void
  readonly onError: (error: unknown) => void
}

export type AttestationOutcome = 'kept' | 'too_large' | 'failed'

export type AttestationStore = {
  keep(attestation: { readonly key: string; readonly bytes: Uint8Array }): Promise<void>
  read(key: string): Promise<Uint8Array | undefined>
}

const keyForm = /^sha256:([0-9a-f]{64})$/

/** Brings its table up to date. */
export async function openAttestations(options: AttestationOptions): Promise<AttestationStore> {
  const { pool, mode, maxBytes, onOutcome = () => {}, onError } = options
  await migrate(pool, {
    component: 'log-attestations',
    directory: new URL('./migrations/', import.meta.url),
  })

  return {
    keep: async ({ key, bytes }) => {
      const hash = hashOf(key)
      if (hash === undefined) return
      if (bytes.length > maxBytes) return onOutcome('too_large')
      try {
        await pool.query({
          name: 'attestation-keep',
          // What was remembered without its content gets it when it is sent again.
          text: `insert into attestation (sha256, size_bytes, data) values ($1, $2, $3)
                   on conflict (sha256) do update set data = excluded.data
                     where attestation.data is null and excluded.data is not null
                       and attestation.size_bytes = excluded.size_bytes`,
          values: [hash, bytes.length, mode === 'store' ? bytes : null],
        })
        onOutcome('kept')
      } catch (error) {
        onOutcome('failed')
        onError(error)
      }
    },
    read: async (key) => {
      const hash = hashOf(key)
      if (hash === undefined) return undefined
      try {
        const { rows } = await pool.query<{ data: Buffer | null }>({
          name: 'attestation-read',
          text: 'select data from attestation where sha256 = $1',
          values: [hash],
        })
        return rows[0]?.data ?? undefined
      } catch (error) {
        onError(error)
        return undefined
      }
    },
  }
}

function hashOf(key: string): Buffer | undefined {
  const hex = keyForm.exec(key)?.[1]
  return hex === undefined ? undefined : Buffer.from(hex, 'hex')
}
