/** What was found, written down: in the transaction that remembers that the leaves were read, so that none is lost or told twice. */
import { escaped, quoted } from '@sigstack/crypto'
import type { Reason } from '@sigstack/monitor-api'
import type { Queryable } from '@sigstack/postgres'
import type { Trouble } from '../alarms/alarm.ts'
import { mostSightings } from '../alarms/alarm-store.ts'
import type { Match } from './look.ts'
import { addFindings, meetWorkflow, type NewFinding } from './watch-store.ts'

export type RecordOptions = {
  readonly treeId: bigint
  /** As people call the log. */
  readonly logName: string
  readonly report: (tx: Queryable, trouble: Trouble) => Promise<void>
}

const longestWorkflow = 500

export async function recordMatches(
  tx: Queryable,
  matches: readonly Match[],
  { treeId, logName, report }: RecordOptions,
): Promise<void> {
  const findings: NewFinding[] = []
  for (const { watch, sighting, reasons } of matches) {
    const { workflow } = sighting
    const asks = watch.alarmOn.includes('new-workflow') && workflow !== undefined
    const isNew = asks && (await meetWorkflow(tx, watch.id, escaped(workflow, longestWorkflow)))
    const all: readonly Reason[] = isNew ? [...reasons, 'new-workflow'] : reasons
    findings.push({ watchId: watch.id, treeId, sighting, reasons: all })
  }
  const names = new Map(matches.map(({ watch }) => [watch.id, watch.name]))
  for (const [, group] of groupsOf(await addFindings(tx, findings))) {
    const [{ reason, matter, finding }] = group
    const last = group.at(-1)?.finding ?? finding
    await report(tx, {
      kind: reason,
      matter,
      watchId: finding.watchId,
      treeId,
      times: group.length,
      summary: sentenceOf(reason, last, names.get(finding.watchId) ?? '', logName),
      detail: { sightings: group.slice(-mostSightings).map(({ finding }) => shown(finding)) },
    })
  }
}

/** JSON has no bigint. A watch meets entries in several logs, so each says in which; the number is that of the API. */
function shown({ treeId, sighting }: NewFinding): Readonly<Record<string, unknown>> {
  const { leafIndex, ...rest } = sighting
  return { log: String(treeId), leafIndex: String(leafIndex), ...rest }
}

type Reasoned = { readonly reason: Reason; readonly matter: string; readonly finding: NewFinding }

/** One alarm for a watch and reason; of new workflows one for each. */
function groupsOf(findings: readonly NewFinding[]): ReadonlyMap<string, [Reasoned, ...Reasoned[]]> {
  const groups = new Map<string, [Reasoned, ...Reasoned[]]>()
  for (const finding of findings)
    for (const reason of finding.reasons) {
      const { watchId, sighting } = finding
      const matter =
        reason === 'new-workflow'
          ? `watch ${watchId}: ${escaped(sighting.workflow ?? '', longestWorkflow)}`
          : `watch ${watchId}`
      const reasoned = { reason, matter, finding }
      const group = groups.get(`${reason} ${matter}`)
      if (group === undefined) groups.set(`${reason} ${matter}`, [reasoned])
      else group.push(reasoned)
    }
  return groups
}

function sentenceOf(reason: Reason, { sighting }: NewFinding, watch: string, logName: string): string {
  const { subjects, keys, workflow, leafIndex, time } = sighting
  const who = subjects[0] === undefined ? `the key ${keys[0]?.slice(0, 16) ?? ''}…` : quoted(subjects[0])
  const where = `entry ${leafIndex} of ${logName}, by ${who}`
  if (reason === 'new-workflow') return `${quoted(watch)} met a new workflow, ${quoted(workflow)}: ${where}`
  if (reason === 'outside-hours')
    return `${quoted(watch)} met an entry outside of its hours, at ${time.toISOString()}: ${where}`
  return `${quoted(watch)} was found: ${where}`
}
