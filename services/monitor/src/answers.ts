/** Domain values as the JSON of the API: numbers that may be large as decimal texts, bytes as hex, times as ISO 8601 in UTC. */
import { toHex } from '@sigstack/crypto'
import type { Alarm, AlarmAct } from './alarms/alarm.ts'
import type { TreeStatus } from './following/tree.ts'
import { encodeWatch, type Watch } from './watching/watch.ts'
import type { Finding, ListedWatch } from './watching/watch-store.ts'

type Answer = Readonly<Record<string, unknown>>

export function logAnswer(tree: TreeStatus): Answer {
  const { id, logName, shard, kind, url, origin, state, verified, verifiedAt, newest, heads } = tree
  return {
    id: String(id),
    name: logName,
    ...(shard !== '' && { shard }),
    kind,
    url,
    ...(origin !== undefined && { origin }),
    state,
    verified: {
      size: String(verified.size),
      rootHash: toHex(verified.rootHash),
      ...(verifiedAt !== undefined && { at: verifiedAt.toISOString() }),
    },
    ...(newest !== undefined && {
      newest: {
        size: String(newest.size),
        rootHash: toHex(newest.rootHash),
        seenAt: newest.seenAt.toISOString(),
      },
    }),
    headsSeen: Number(heads),
  }
}

export function watchAnswer(watch: Watch | ListedWatch): Answer {
  const { id, source, createdAt, createdBy, ...rest } = watch
  const { findings, lastFoundAt, ...definition } = { findings: 0n, lastFoundAt: undefined, ...rest }
  return {
    id: String(id),
    ...encodeWatch(definition),
    source,
    createdAt: createdAt.toISOString(),
    createdBy,
    findings: Number(findings),
    ...(lastFoundAt !== undefined && { lastFoundAt: lastFoundAt.toISOString() }),
  }
}

export function findingAnswer(finding: Finding): Answer {
  return {
    id: String(finding.id),
    watch: String(finding.watchId),
    log: String(finding.treeId),
    leafIndex: String(finding.leafIndex),
    seenAt: finding.seenAt.toISOString(),
    reasons: finding.reasons,
    ...finding.sighting,
  }
}

export function alarmAnswer(alarm: Alarm & { readonly acts?: readonly AlarmAct[] }): Answer {
  const { id, treeId, watchId, times, firstAt, lastAt, acts, ...rest } = alarm
  return {
    id: String(id),
    ...rest,
    ...(treeId !== undefined && { log: String(treeId) }),
    ...(watchId !== undefined && { watch: String(watchId) }),
    times: Number(times),
    firstAt: firstAt.toISOString(),
    lastAt: lastAt.toISOString(),
    ...(acts !== undefined && { acts: acts.map((each) => ({ ...each, at: each.at.toISOString() })) }),
  }
}
