/** The words of the API, of which each has a list. */

export const alarmKinds = [
  'inconsistent-head',
  'wrong-entries',
  'bad-signature',
  'shrunk-tree',
  'unproven-heads',
  'unreachable',
  'backlog',
  'clock-drift',
  'expiring',
  'unusable-watch',
  'unknown-authority',
  'identity-seen',
  'new-workflow',
  'outside-hours',
] as const
export type AlarmKind = (typeof alarmKinds)[number]

/** The most urgent first. */
export const severities = ['page', 'ticket', 'notice'] as const
export type Severity = (typeof severities)[number]

export const alarmStates = ['open', 'acknowledged', 'closed'] as const
export type AlarmState = (typeof alarmStates)[number]

/** What people do about an alarm: the last part of the path. */
export const acts = ['acknowledge', 'close', 'reopen'] as const
export type Act = (typeof acts)[number]

/** Why an entry that a watch has found is worth an alarm. */
export const reasons = ['identity-seen', 'new-workflow', 'outside-hours'] as const
export type Reason = (typeof reasons)[number]
