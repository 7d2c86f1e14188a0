/** Watches and what they have found, as rows. */
import type { Reason } from '@sigstack/monitor-api'
import { inTransaction, type Pool, type Queryable } from '@sigstack/postgres'
import { MonitorError } from '../errors.ts'
import { type PageQuery, pageOf } from '../page.ts'
import { mostStepsTogether } from './condition.ts'
import type { Sighting } from './sighting.ts'
import { decodeWatch, encodeWatch, stepsOf, type Watch, type WatchDefinition } from './watch.ts'

export type ListedWatch = Watch & { readonly findings: bigint; readonly lastFoundAt: Date | undefined }

/** As JSON. */
type KeptSighting = Omit<Sighting, 'leafIndex' | 'time'> & { readonly time: string }

export type Finding = {
  readonly id: bigint
  readonly watchId: bigint
  readonly treeId: bigint
  readonly leafIndex: bigint
  readonly seenAt: Date
  readonly sighting: KeptSighting
  readonly reasons: readonly Reason[]
}

export type NewFinding = {
  readonly watchId: bigint
  readonly treeId: bigint
  readonly sighting: Sighting
  readonly reasons: readonly Reason[]
}

/** How many watches there may be by API: each is looked at for each entry. */
export const mostWatches = 1_000

type Row = {
  readonly watch_id: bigint
  readonly source: 'api' | 'file'
  readonly definition: unknown
  readonly created_at: Date
  readonly created_by: string
}

const columns = 'watch_id, source, definition, created_at, created_by'

export async function readWatches(db: Queryable): Promise<readonly Watch[]> {
  const { rows } = await db.query<Row>(`select ${columns} from monitor_watch order by watch_id`)
  return rows.map(watchOf)
}

/** Newest first, with how much each has found. */
export async function listWatches(
  db: Queryable,
  page: PageQuery,
): Promise<{ readonly rows: readonly ListedWatch[]; readonly next?: string }> {
  const { rows } = await db.query<ListedRow>(
    `${listed} where ($1::bigint is null or watch_id < $1)
     order by watch_id desc limit $2`,
    [page.before ?? null, page.limit + 1],
  )
  return pageOf(rows.map(listedOf), page, ({ id }) => id)
}

/** Throws `not_found`. */
export async function readWatch(db: Queryable, id: bigint): Promise<ListedWatch> {
  const { rows } = await db.query<ListedRow>(`${listed} where watch_id = $1`, [id])
  if (rows[0] === undefined) throw noWatch(id)
  return listedOf(rows[0])
}

/** Throws `conflict` where there are too many, or their expressions are too large together. */
export async function addWatch(pool: Pool, definition: WatchDefinition, by: string): Promise<bigint> {
  return inTransaction(pool, async (tx) => {
    await demandRoom(tx, definition)
    const { rows } = await tx.query<{ watch_id: bigint }>(
      `insert into monitor_watch (name, source, definition, created_by)
       select $1, 'api', $2, $3 where (select count(*) from monitor_watch where source = 'api') < $4
       returning watch_id`,
      [definition.name, JSON.stringify(encodeWatch(definition)), by, mostWatches],
    )
    if (rows[0] === undefined)
      throw new MonitorError('conflict', `there are ${mostWatches} watches already: remove one first`)
    return rows[0].watch_id
  })
}

/** Throws `not_found`, and `conflict` for one of the file, or where the expressions of all would be too large together. */
export async function replaceWatch(pool: Pool, id: bigint, definition: WatchDefinition): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await demandRoom(tx, definition, id)
    const { rowCount } = await tx.query(
      `update monitor_watch set name = $2, definition = $3 where watch_id = $1 and source = 'api'`,
      [id, definition.name, JSON.stringify(encodeWatch(definition))],
    )
    if (rowCount === 0) await refuse(tx, id)
  })
}

/** One without expressions always has room. Others wait, since their steps count too. */
async function demandRoom(tx: Queryable, definition: WatchDefinition, replaced?: bigint): Promise<void> {
  await tx.query('lock table monitor_watch in share row exclusive mode')
  const own = stepsOf(definition)
  if (own === 0) return
  const others = (await readWatches(tx)).filter(({ id }) => id !== replaced)
  const steps = others.reduce((sum, watch) => sum + stepsOf(watch), own)
  if (steps > mostStepsTogether)
    throw new MonitorError(
      'conflict',
      `the expressions of all watches would have ${steps} steps, with each repetition written out, and may have ${mostStepsTogether}: remove or pause one that has an expression, or use a glob`,
    )
}

/** With all that it has found; its alarms stay. Throws `not_found`, and `conflict` for one of the file. */
export async function removeWatch(db: Queryable, id: bigint): Promise<void> {
  const { rowCount } = await db.query(`delete from monitor_watch where watch_id = $1 and source = 'api'`, [
    id,
  ])
  if (rowCount === 0) await refuse(db, id)
}

/** Makes the watches of the file what it says, by their names: one that is gone goes with what it has found. */
export async function putFileWatches(
  db: Queryable,
  definitions: readonly WatchDefinition[],
  file: string,
): Promise<void> {
  await db.query(`delete from monitor_watch where source = 'file' and not name = any($1::text[])`, [
    definitions.map(({ name }) => name),
  ])
  for (const definition of definitions)
    await db.query(
      `insert into monitor_watch (name, source, definition, created_by) values ($1, 'file', $2, $3)
       on conflict (name) where source = 'file' do update set definition = excluded.definition`,
      [definition.name, JSON.stringify(encodeWatch(definition)), file],
    )
}

/** Those of them that are new, by watch, tree and place. */
export async function addFindings(
  tx: Queryable,
  findings: readonly NewFinding[],
): Promise<readonly NewFinding[]> {
  const added: NewFinding[] = []
  for (const finding of findings) {
    const { watchId, treeId, sighting, reasons } = finding
    const { leafIndex, ...rest } = sighting
    // The watch may have been removed while the entries were read.
    const { rowCount } = await tx.query({
      name: 'monitor-finding',
      text: `insert into monitor_finding (watch_id, tree_id, leaf_index, sighting, reasons)
             select watch_id, $2, $3, $4, $5 from monitor_watch where watch_id = $1 on conflict do nothing`,
      values: [watchId, treeId, leafIndex, JSON.stringify(rest), reasons],
    })
    if (rowCount === 1) added.push(finding)
  }
  return added
}

/** True where the watch has not met this workflow before. */
export async function meetWorkflow(tx: Queryable, watchId: bigint, workflow: string): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'monitor-workflow',
    text: `insert into monitor_workflow (watch_id, workflow)
           select watch_id, $2 from monitor_watch where watch_id = $1 on conflict do nothing`,
    values: [watchId, workflow],
  })
  return rowCount === 1
}

export async function listFindings(
  db: Pool,
  page: PageQuery,
  watchId: bigint | undefined,
): Promise<{ readonly rows: readonly Finding[]; readonly next?: string }> {
  const { rows } = await db.query<{
    readonly finding_id: bigint
    readonly watch_id: bigint
    readonly tree_id: bigint
    readonly leaf_index: bigint
    readonly seen_at: Date
    readonly sighting: KeptSighting
    readonly reasons: readonly Reason[]
  }>(
    `select finding_id, watch_id, tree_id, leaf_index, seen_at, sighting, reasons from monitor_finding
     where ($1::bigint is null or finding_id < $1) and ($2::bigint is null or watch_id = $2)
     order by finding_id desc limit $3`,
    [page.before ?? null, watchId ?? null, page.limit + 1],
  )
  const findings = rows.map(
    (row): Finding => ({
      id: row.finding_id,
      watchId: row.watch_id,
      treeId: row.tree_id,
      leafIndex: row.leaf_index,
      seenAt: row.seen_at,
      sighting: row.sighting,
      reasons: row.reasons,
    }),
  )
  return pageOf(findings, page, ({ id }) => id)
}

type ListedRow = Row & { readonly findings: bigint; readonly last_found_at: Date | null }

const listed = `select ${columns},
  (select count(*) from monitor_finding f where f.watch_id = w.watch_id) as findings,
  (select max(seen_at) from monitor_finding f where f.watch_id = w.watch_id) as last_found_at
  from monitor_watch w`

function listedOf(row: ListedRow): ListedWatch {
  return { ...watchOf(row), findings: row.findings, lastFoundAt: row.last_found_at ?? undefined }
}

function watchOf(row: Row): Watch {
  return {
    ...decodeWatch(row.definition),
    id: row.watch_id,
    source: row.source,
    createdAt: row.created_at,
    createdBy: row.created_by,
  }
}

async function refuse(db: Queryable, id: bigint): Promise<never> {
  await readWatch(db, id)
  throw new MonitorError('conflict', `watch ${id} is one of the file: change it there`)
}

function noWatch(id: bigint): MonitorError {
  return new MonitorError('not_found', `there is no watch ${id}`)
}
