/** What is answered is what the API documents: each member, and no other. */
import { emptyRootHash } from '@sigstack/merkle'
import { schemas } from '@sigstack/monitor-api'
import t from 'tap'
import { Value } from 'typebox/value'
import { alarmAnswer, findingAnswer, logAnswer, watchAnswer } from '../src/answers.ts'

const at = new Date('2026-03-01T12:00:00Z')
const head = { size: 2n ** 60n, rootHash: emptyRootHash }
const tree = {
  id: 1n,
  logName: 'rekor',
  shard: '77',
  kind: 'rekor-v1',
  url: 'http://rekor',
  origin: 'rekor.example',
  state: 'behind',
  verified: head,
  verifiedAt: at,
  reached: 2n ** 60n,
  newest: { ...head, seenAt: at },
  heads: 4n,
} as const
const watch = {
  id: 2n,
  name: 'people',
  logs: ['rekor'],
  subject: { glob: '*@example.org' },
  issuer: { exact: 'https://issuer.example' },
  repository: { regex: '.*' },
  key: 'ab'.repeat(32),
  alarmOn: ['outside-hours'],
  hours: { timeZone: 'Europe/Berlin', days: [1], from: '08:00', to: '18:00' },
  isPaused: false,
  source: 'api',
  createdAt: at,
  createdBy: 'ada',
  findings: 3n,
  lastFoundAt: at,
} as const
const finding = {
  id: 3n,
  watchId: 2n,
  treeId: 1n,
  leafIndex: 0n,
  seenAt: at,
  reasons: ['identity-seen'],
  sighting: {
    kind: 'hashedrekord 0.0.1',
    subjects: ['ada@example.org'],
    issuer: 'https://issuer.example',
    keys: ['ab'],
    repositories: ['https://github.com/example/app'],
    workflow: 'release',
    serialNumber: '01',
    time: at.toISOString(),
    timeOf: 'certificate',
  },
} as const
const alarm = {
  id: 7n,
  kind: 'identity-seen',
  severity: 'notice',
  summary: 'somebody has signed',
  detail: { size: '7' },
  treeId: 1n,
  watchId: 2n,
  state: 'acknowledged',
  times: 2n,
  firstAt: at,
  lastAt: at,
  acts: [{ act: 'acknowledge', at, by: 'ada', note: '' }],
} as const

const whole = [
  { schema: schemas.Log, answer: logAnswer(tree) },
  { schema: schemas.Watch, answer: watchAnswer(watch) },
  { schema: schemas.Finding, answer: findingAnswer(finding) },
  { schema: schemas.Alarm, answer: alarmAnswer(alarm) },
]

t.test('an answer of all that there may be has the members that are documented', async (t) => {
  for (const { schema, answer } of whole) {
    t.ok(Value.Check(schema, answer), JSON.stringify(answer))
    t.same(new Set(Object.keys(answer)), new Set(Object.keys(schema.properties)))
  }
})

t.test('what is not there is left out', async (t) => {
  const unseen = { ...tree, shard: '', origin: undefined, verifiedAt: undefined, newest: undefined }
  const { acts: _acts, ...listed } = alarm
  const cases = [
    { schema: schemas.Log, answer: logAnswer(unseen) },
    { schema: schemas.Watch, answer: watchAnswer({ ...watch, lastFoundAt: undefined }) },
    { schema: schemas.Alarm, answer: alarmAnswer({ ...listed, treeId: undefined, watchId: undefined }) },
  ]
  for (const { schema, answer } of cases) {
    t.ok(Value.Check(schema, answer), JSON.stringify(answer))
    t.notOk(Object.values(answer).includes(undefined))
  }
  t.notOk('acts' in alarmAnswer(listed))
})
