/** What a reader of the monitor takes, and what it does not. */
import t from 'tap'
import { Value } from 'typebox/value'
import { readAlarm, readAlarms, readLogs, readWatches, schemas } from '../src/index.ts'

const at = '2026-03-01T12:00:00.000Z'
const alarm = {
  id: '7',
  kind: 'identity-seen',
  severity: 'notice',
  summary: 'somebody has signed',
  detail: {},
  log: '1',
  watch: '2',
  state: 'acknowledged',
  times: 2,
  firstAt: at,
  lastAt: at,
  acts: [{ act: 'acknowledge', at, by: 'ada', note: '' }],
}
const watch = {
  id: '2',
  name: 'people',
  subject: { glob: '*@example.org' },
  alarmOn: ['outside-hours'],
  hours: { timeZone: 'Europe/Berlin', days: [1], from: '08:00', to: '18:00' },
  paused: false,
  source: 'api',
  createdAt: at,
  createdBy: 'ada',
  findings: 0,
}
const log = {
  id: '1',
  name: 'rekor',
  kind: 'rekor-v1',
  url: 'http://rekor',
  state: 'behind',
  verified: { size: '3', rootHash: 'ab' },
  reached: '3',
  newest: { size: '18446744073709551615', rootHash: 'cd', seenAt: at },
  headsSeen: 4,
}

const bodies = [
  { name: 'Alarm', schema: schemas.Alarm, row: alarm, read: readAlarm },
  {
    name: 'Watch',
    schema: schemas.Watch,
    row: watch,
    read: (row: unknown) => readWatches({ watches: [row] })?.watches[0],
  },
  {
    name: 'Log',
    schema: schemas.Log,
    row: log,
    read: (row: unknown) => readLogs({ logs: [row] })?.logs[0],
  },
] as const

t.test('what is documented is read as it is', async (t) => {
  for (const { name, schema, row, read } of bodies) {
    t.ok(Value.Check(schema, row), name)
    t.strictSame(read(row), row, name)
  }
})

t.test('a member that is missing, or is no such thing, is not read', async (t) => {
  for (const { name, schema, row, read } of bodies) {
    for (const member of schema.required) {
      const { [member]: _left, ...others } = row as Readonly<Record<string, unknown>>
      t.equal(read(others), undefined, `${name} without ${member}`)
    }
    for (const member of Object.keys(row))
      t.equal(read({ ...row, [member]: null }), undefined, `${name} with a ${member} of null`)
    for (const other of [undefined, null, [], 'x', 7n]) t.equal(read(other), undefined, name)
  }
})

t.test('words and members that are not known yet are taken', async (t) => {
  t.match(readAlarm({ ...alarm, kind: 'two-moons', severity: 'shout', colour: 'red' }), { kind: 'two-moons' })
  t.match(readLogs({ logs: [{ ...log, state: 'asleep' }] }), { logs: [{ state: 'asleep' }] })
  t.notOk(Value.Check(schemas.Alarm, { ...alarm, kind: 'two-moons' }), 'and are not documented')
})

t.test('a number of a row may stand in an address', async (t) => {
  for (const odd of ['', '0', '01', '-1', '1e3', '../x', '1\n', '１', '1'.repeat(20), 7, 7n]) {
    for (const { name, row, read } of bodies) t.equal(read({ ...row, id: odd }), undefined, `${name} ${odd}`)
    t.equal(readAlarm({ ...alarm, log: odd }), undefined)
    t.equal(readAlarm({ ...alarm, watch: odd }), undefined)
  }
  t.ok(readAlarm({ ...alarm, id: '9'.repeat(19) }))
})

t.test('a time is one of a Date', async (t) => {
  const odd = [
    '',
    '1',
    '2026-03-01',
    '2026-02-30T12:00:00Z',
    '2016-12-31T23:59:60Z',
    `${at}\n`,
    'next Monday',
  ]
  for (const each of odd) t.equal(readAlarm({ ...alarm, lastAt: each }), undefined, each)
  for (const each of [at, '2024-02-29T23:59:59Z', '0000-01-01T00:00:00.123456789Z']) {
    t.ok(readAlarm({ ...alarm, lastAt: each }), each)
    t.notOk(Number.isNaN(new Date(each).getTime()), each)
  }
})

t.test('evidence is any JSON, with integers of any size; counts are exact', async (t) => {
  const detail = { size: 2n ** 60n, deep: [{ deeper: 2n ** 64n }] }
  t.strictSame(readAlarm({ ...alarm, detail })?.detail, detail)
  for (const times of [2n ** 60n, -1, 1.5, '2']) t.equal(readAlarm({ ...alarm, times }), undefined)
})

t.test('a list is read whole, with its cursor', async (t) => {
  t.strictSame(readAlarms({ alarms: [alarm], next: '7' }), { alarms: [alarm], next: '7' })
  t.strictSame(readWatches({ watches: [] }), { watches: [] })
  for (const odd of [{}, { alarms: {} }, { alarms: [alarm, 7] }, { alarms: [], next: 7 }])
    t.equal(readAlarms(odd), undefined)
})
