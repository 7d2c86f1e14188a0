import type { Queryable } from './pool.ts'

/** The settings that decide whether a committed row survives a power cut, as the server reports them. */
export type Durability = {
  readonly fsync: string
  readonly synchronousCommit: string
  readonly fullPageWrites: string
  readonly version: string
}

export async function durability(queryable: Queryable): Promise<Durability> {
  const { rows } = await queryable.query<Durability>(
    `select current_setting('fsync') as "fsync",
            current_setting('synchronous_commit') as "synchronousCommit",
            current_setting('full_page_writes') as "fullPageWrites",
            current_setting('server_version') as "version"`,
  )
  const [row] = rows
  if (row === undefined) throw new Error('the server reported no settings')
  return row
}

/** Whether an answered commit is on disk of this server. */
export function isDurable(settings: Durability): boolean {
  return settings.fsync === 'on' && settings.fullPageWrites === 'on' && settings.synchronousCommit !== 'off'
}
