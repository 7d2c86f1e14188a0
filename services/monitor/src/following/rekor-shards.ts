/** The shards of a Rekor v1 log, as `/api/v1/log` tells them (rekor's openapi.yaml, LogInfo). */
import { badAnswer, demandJson } from './ask.ts'
import { countMember, listMember, textMember } from './json-members.ts'

export type ShownShard = {
  /** Decimal. */
  readonly treeId: string
  readonly size: bigint
  /** Of its first entry among those of the whole log. */
  readonly firstIndex: bigint
  /** Its newest checkpoint. */
  readonly note: string
}

export type ShownShards = {
  /** Oldest first; the last one is the active one. */
  readonly shards: readonly ShownShard[]
  readonly dateMs: number | undefined
}

/** Each is a tree to be followed for ever. */
export const mostShards = 1_000

/** Throws a `FollowError`. */
export async function readShards(url: string, signal: AbortSignal): Promise<ShownShards> {
  const { json, dateMs } = await demandJson(`${url}/api/v1/log?stable=true`, { signal, maxBytes: 8_388_608 })
  const inactive = json['inactiveShards'] === undefined ? [] : listMember(json, 'inactiveShards', url)
  if (inactive.length >= mostShards) throw badAnswer(url, `it has more than ${mostShards} shards`)
  let firstIndex = 0n
  const shards = [...inactive, json].map((shard): ShownShard => {
    const size = countMember(shard, 'treeSize', url)
    const treeId = textMember(shard, 'treeID', url)
    if (!/^[1-9]\d{0,19}$/.test(treeId)) throw badAnswer(url, 'treeID is no number')
    const shown = { treeId, size, firstIndex, note: textMember(shard, 'signedTreeHead', url) }
    firstIndex += size
    return shown
  })
  return { shards, dateMs }
}
