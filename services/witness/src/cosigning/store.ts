/** What was cosigned of each log. Its one write is the step that nothing may come between: it compares and moves on at once. */

import { sha256 } from '@sigstack/crypto'
import type { Hash, TreeHead } from '@sigstack/merkle'
import { migrate, type Pool } from '@sigstack/postgres'

export type Witnessed = {
  readonly origin: string
  readonly treeHead: TreeHead
  /** Text and verified lines of the log. */
  readonly checkpoint: string
  readonly timeSeconds: bigint
  /** Undefined while they are made, or when the process ended in between. */
  readonly cosignatures: string | undefined
}

export type WitnessStore = {
  read(origin: string): Promise<Witnessed | undefined>
  readByHash(originHash: Uint8Array): Promise<Witnessed | undefined>
  readAll(): Promise<readonly Witnessed[]>
  /**
   * Moves on from `before`, undefined for nothing yet, and is durable when it says true. False: somebody else has moved on.
   */
  advance(before: TreeHead | undefined, next: Omit<Witnessed, 'cosignatures'>): Promise<boolean>
  /** Beside the tree head and the time that they are for, if it is the newest still. */
  keepCosignatures(of: Omit<Witnessed, 'cosignatures'>, cosignatures: string): Promise<void>
}

type Row = {
  readonly origin: string
  readonly tree_size: bigint
  readonly root_hash: Buffer
  readonly checkpoint: string
  readonly cosigned_at: bigint
  readonly cosignatures: string | null
}

const columns = 'origin, tree_size, root_hash, checkpoint, cosigned_at, cosignatures'

/** Brings its table up to date. */
export async function openStore(pool: Pool): Promise<WitnessStore> {
  await migrate(pool, { component: 'witness', directory: new URL('../migrations/', import.meta.url) })

  async function readOne(name: string, condition: string, value: unknown): Promise<Witnessed | undefined> {
    const text = `select ${columns} from witnessed_log where ${condition} = $1`
    const { rows } = await pool.query<Row>({ name, text, values: [value] })
    return rows[0] && witnessedOf(rows[0])
  }

  return {
    read: (origin) => readOne('witness-read', 'origin', origin),
    readByHash: (originHash) => readOne('witness-read-hash', 'origin_hash', Buffer.from(originHash)),
    readAll: async () => {
      const { rows } = await pool.query<Row>(`select ${columns} from witnessed_log order by origin`)
      return rows.map(witnessedOf)
    },
    advance: async (before, { origin, treeHead, checkpoint, timeSeconds }) => {
      const values = [origin, treeHead.size, Buffer.from(treeHead.rootHash), checkpoint, timeSeconds]
      const { rowCount } =
        before === undefined
          ? await pool.query({
              name: 'witness-begin',
              text: `insert into witnessed_log (origin, tree_size, root_hash, checkpoint, cosigned_at, origin_hash)
                     values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
              values: [...values, Buffer.from(sha256(origin))],
            })
          : await pool.query({
              name: 'witness-advance',
              text: `update witnessed_log
                     set tree_size = $2, root_hash = $3, checkpoint = $4, cosigned_at = greatest(cosigned_at, $5), cosignatures = null
                     where origin = $1 and tree_size = $6 and root_hash = $7 and tree_size <= $2`,
              values: [...values, before.size, Buffer.from(before.rootHash)],
            })
      return rowCount === 1
    },
    keepCosignatures: async ({ origin, treeHead, timeSeconds }, cosignatures) => {
      await pool.query({
        name: 'witness-keep',
        text: `update witnessed_log set cosignatures = $5
               where origin = $1 and tree_size = $2 and root_hash = $3 and cosigned_at = $4`,
        values: [origin, treeHead.size, Buffer.from(treeHead.rootHash), timeSeconds, cosignatures],
      })
    },
  }
}

function witnessedOf(row: Row): Witnessed {
  return {
    origin: row.origin,
    treeHead: { size: row.tree_size, rootHash: row.root_hash as Uint8Array as Hash },
    checkpoint: row.checkpoint,
    timeSeconds: row.cosigned_at,
    cosignatures: row.cosignatures ?? undefined,
  }
}
