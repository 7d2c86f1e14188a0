/** Domain values as the JSON of the API: numbers that may be large as decimal texts, bytes as hex, times as ISO 8601 in UTC. */
import { toHex } from '@sigstack/crypto'
import type * as told from '@sigstack/monitor-api'
import type { Alarm, AlarmAct } from './alarms/alarm.ts'
import type { TreeStatus } from './following/tree.ts'
import { encodeWatch, type Watch } from './watching/watch.ts'
import type { Finding, ListedWatch } from './watching/watch-store.ts'

export function logAnswer(tree: TreeStatus): told.Log {
  const { id, logName, shard, kind, url, origin, state, verified, verifiedAt, reached, newest, heads } = tree
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
    reached: String(reached),
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

export function watchAnswer(watch: Watch | ListedWatch): told.Watch {
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

export function findingAnswer(finding: Finding): told.Finding {
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

export function alarmAnswer(alarm: Alarm & { readonly acts?: readonly AlarmAct[] }): told.Alarm {
  const { id, kind, severity, summary, detail, treeId, watchId, state, times, firstAt, lastAt, acts } = alarm
  return {
    id: String(id),
    kind,
    severity,
    summary,
    detail,
    state,
    ...(treeId !== undefined && { log: String(treeId) }),
    ...(watchId !== undefined && { watch: String(watchId) }),
    times: Number(times),
    firstAt: firstAt.toISOString(),
    lastAt: lastAt.toISOString(),
    ...(acts !== undefined && {
      acts: acts.map(({ act, at, by, note }) => ({ act, at: at.toISOString(), by, note })),
    }),
  }
}
