export { Alarm, Finding, Log, pageSchema, schemas, Watch, WatchDefinition } from './bodies.ts'
export { readAlarm, readAlarms, readLogs, readWatches, type Told } from './read.ts'
export {
  type Act,
  type AlarmKind,
  type AlarmState,
  acts,
  alarmKinds,
  alarmStates,
  type Reason,
  reasons,
  type Severity,
  severities,
} from './words.ts'
