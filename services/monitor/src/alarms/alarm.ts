/** What may be wrong, and how it is kept. */
import type { Act, AlarmKind, AlarmState, Severity } from '@sigstack/monitor-api'

/**
 * Each kind with its severity, and whether it is a state that passes by itself: such an alarm is closed by the monitor when it has
 * passed. All others are closed by people.
 */
export const alarmKinds = {
  /** A head that the log has signed does not fit the ones before. */
  'inconsistent-head': { severity: 'page', passes: false },
  /** What the log gives as entries is not what its head commits to. */
  'wrong-entries': { severity: 'page', passes: false },
  /** A head is not signed by a key of the log. */
  'bad-signature': { severity: 'page', passes: false },
  /** A head is smaller than one that was shown before, and fits it. */
  'shrunk-tree': { severity: 'ticket', passes: false },
  /** More heads than are kept wait for a proof, or to be read; some were forgotten. */
  'unproven-heads': { severity: 'ticket', passes: false },
  /** No head, or no entries, for too long. */
  unreachable: { severity: 'ticket', passes: true },
  /** The monitor is behind the log. */
  backlog: { severity: 'ticket', passes: true },
  /** The clock of a log, or ours, is off. */
  'clock-drift': { severity: 'ticket', passes: true },
  /** Trust material ends soon. */
  expiring: { severity: 'ticket', passes: true },
  /** A watch is not looked for: the rules of now refuse it, or there is no room for it. */
  'unusable-watch': { severity: 'ticket', passes: true },
  /** A certificate in a CT log is of no authority of the trusted root. */
  'unknown-authority': { severity: 'page', passes: false },
  /** An entry by somebody who is watched. */
  'identity-seen': { severity: 'notice', passes: false },
  /** An entry by a workflow that the watch has not met before. */
  'new-workflow': { severity: 'ticket', passes: false },
  /** An entry at a time at which none is expected. */
  'outside-hours': { severity: 'ticket', passes: false },
} as const satisfies Readonly<Record<AlarmKind, { readonly severity: Severity; readonly passes: boolean }>>

/** Of what a log has signed or given: such alarms are kept for good, since nobody else may have what is in them. */
export const evidenceKinds: readonly AlarmKind[] = ['inconsistent-head', 'wrong-entries', 'shrunk-tree']

export type Alarm = {
  readonly id: bigint
  readonly kind: AlarmKind
  readonly severity: Severity
  /** One sentence for people; what is from outside is quoted in it. */
  readonly summary: string
  /** The evidence of the last time. */
  readonly detail: Readonly<Record<string, unknown>>
  readonly treeId: bigint | undefined
  readonly watchId: bigint | undefined
  readonly state: AlarmState
  /** How often it was met while it was not closed. */
  readonly times: bigint
  readonly firstAt: Date
  readonly lastAt: Date
}

export type AlarmAct = {
  readonly act: Act
  readonly at: Date
  readonly by: string
  readonly note: string
}

/** What is met; equal kind and matter are the same alarm until it is closed. */
export type Trouble = {
  readonly kind: AlarmKind
  readonly matter: string
  readonly summary: string
  readonly detail: Readonly<Record<string, unknown>>
  readonly treeId?: bigint
  readonly watchId?: bigint
  /** How often it was met at once; default 1. */
  readonly times?: number
}

export function isAlarmKind(text: string): text is AlarmKind {
  return Object.hasOwn(alarmKinds, text)
}
