/** The newest head of the log that an older one is of, known by its origin, and the log's proof from one to the other. */
import { type Checkpoint, parseCheckpoint } from '@sigstack/checkpoint'
import { attempt } from '../attempt.ts'
import type { Context } from '../context.ts'
import { createTreeLog } from '../sources/tree-log.ts'
import { treeUrl } from '../tree/tree-name.ts'
import type { HeadKind, Heads } from './compare.ts'

type Candidate = {
  readonly kind: HeadKind
  readonly note: string
  prove(oldSize: bigint, newSize: bigint): Promise<readonly Uint8Array[]>
}

/** Undefined where the console shows no log of that origin, or that log does not answer. Throws a `SourceError` for a proof that is none. */
export async function newerHead(
  context: Pick<Context, 'rekor' | 'urls'>,
  older: Heads['older'],
): Promise<Heads | undefined> {
  const { origin, treeHead } = older.head
  for (const { kind, note, prove } of (await candidates(context)).flat()) {
    const head: Checkpoint | undefined = attempt(() => parseCheckpoint(note))
    if (head?.origin !== origin) continue
    const [oldSize, newSize] = [treeHead.size, head.treeHead.size]
    const hashes = oldSize > 0n && oldSize < newSize ? await prove(oldSize, newSize) : []
    return { kind, older, newer: { note, head }, hashes }
  }
  return undefined
}

/** A log that does not answer is none of them. */
function candidates({
  rekor,
  urls,
}: Pick<Context, 'rekor' | 'urls'>): Promise<readonly (readonly Candidate[])[]> {
  const shards = async (): Promise<readonly Candidate[]> => {
    if (rekor === undefined) return []
    const { active, inactive } = await rekor.info()
    return [active, ...inactive].map(({ treeId, checkpoint }) => ({
      kind: 'rekor-v1',
      note: checkpoint,
      prove: (oldSize, newSize) => rekor.consistency(treeId, oldSize, newSize),
    }))
  }
  const trees = (['rekor-v2', 'ct'] as const).map(async (kind): Promise<readonly Candidate[]> => {
    const url = treeUrl(urls, kind)
    if (url === undefined) return []
    const log = createTreeLog(url)
    return [{ kind, note: await log.head(), prove: log.consistency }]
  })
  return Promise.all([shards(), ...trees].map((asked) => asked.catch(() => [])))
}
