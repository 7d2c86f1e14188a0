/**
 * The bodies of the API. Numbers that may be large are decimal texts, bytes are lower-case hex, times are ISO 8601 in UTC. A schema is
 * what the OpenAPI document shows, and the type of the same name is what it says.
 */
import { type Static, type TArray, type TSchema, type TSchemaOptions, Type } from 'typebox'
import { acts, alarmKinds, alarmStates, reasons, severities } from './words.ts'

type Immutable<Value> = unknown extends Value
  ? Value
  : { readonly [Name in keyof Value]: Immutable<Value[Name]> }

const text = (description: string) => Type.String({ description })
/** Of a row. It becomes part of addresses. */
const id = (description: string) => Type.String({ description, pattern: '^[1-9]\\d{0,18}$' })
const decimal = (description: string) => Type.String({ description, pattern: '^\\d{1,20}$' })
const count = (options: TSchemaOptions = {}) => Type.Integer({ minimum: 0, ...options })
const oneOf = <const Words extends string[]>(words: readonly [...Words], options: TSchemaOptions = {}) =>
  Type.Enum<Words>(words, { type: 'string', ...options })
/** Without leap seconds, for which a Date has no room. */
const time = Type.String({
  description: 'ISO 8601, UTC',
  format: 'date-time',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:[0-5]\\d(\\.\\d+)?Z$',
})

const conditionForms = 'one of exact, glob (stars for any characters), regex (RE2, of the whole text)'
const condition = (description: string) =>
  Type.Object(
    {
      exact: Type.Optional(Type.String()),
      glob: Type.Optional(Type.String()),
      regex: Type.Optional(Type.String()),
    },
    {
      description: `${description}: ${conditionForms}`,
      example: { glob: 'https://github.com/example/*' },
    },
  )

const head = { size: decimal('leaves, decimal'), rootHash: text('SHA-256, hex') }

export const Log = Type.Object({
  id: id('decimal'),
  name: Type.String({ example: 'rekor' }),
  shard: Type.Optional(text('tree ID in decimal, of Rekor v1')),
  kind: oneOf(['rekor-v1', 'rekor-v2', 'ct']),
  url: Type.String({ example: 'http://127.0.0.1:3000' }),
  origin: Type.Optional(text('first line of its checkpoints')),
  state: oneOf(['following', 'behind', 'inconsistent', 'unseen'], {
    description:
      'behind: there are leaves to read; inconsistent: a head does not fit, and the tree is followed no further',
  }),
  verified: Type.Object(
    { ...head, at: Type.Optional(time) },
    { description: 'up to here every leaf was hashed and led to a signed root' },
  ),
  reached: Type.Optional(
    decimal('leaves that were read and hashed; beyond `verified` while there is more to read'),
  ),
  newest: Type.Optional(
    Type.Object({ ...head, seenAt: time }, { description: 'the largest head that was shown' }),
  ),
  headsSeen: count({ description: 'tree heads that are kept' }),
})
export type Log = Immutable<Static<typeof Log>>

const definition = {
  name: Type.String({ example: 'releases of app' }),
  logs: Type.Optional(Type.Array(Type.String(), { description: 'names of logs; all where left out' })),
  subject: Type.Optional(condition('a name in the certificate')),
  issuer: Type.Optional(condition('of the identity token')),
  repository: Type.Optional(condition('of the source')),
  key: Type.Optional(text('SHA-256 of the public key (SubjectPublicKeyInfo), hex')),
  alarmOn: Type.Array(oneOf(reasons), {
    description: 'default identity-seen: every entry. What is found is kept in any case',
    example: ['identity-seen'],
  }),
  hours: Type.Optional(
    Type.Object(
      {
        timeZone: Type.String(),
        days: Type.Array(Type.Integer()),
        from: Type.String(),
        to: Type.String(),
      },
      {
        description: 'when entries are expected; for outside-hours',
        example: { timeZone: 'Europe/Berlin', days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' },
      },
    ),
  ),
  paused: Type.Boolean({ example: false }),
}

export const WatchDefinition = Type.Object(
  {
    ...definition,
    alarmOn: Type.Optional(definition.alarmOn),
    paused: Type.Optional(definition.paused),
  },
  {
    description: 'all that is set must hold; one of subject, issuer, repository and key is needed',
    example: {
      name: 'releases of app',
      repository: { exact: 'https://github.com/example/app' },
      alarmOn: ['new-workflow'],
    },
  },
)
export type WatchDefinition = Immutable<Static<typeof WatchDefinition>>

export const Watch = Type.Object({
  id: id('decimal'),
  ...definition,
  source: oneOf(['api', 'file']),
  createdAt: time,
  createdBy: text('who, or the file'),
  findings: count(),
  lastFoundAt: Type.Optional(time),
})
export type Watch = Immutable<Static<typeof Watch>>

export const Finding = Type.Object({
  id: id('decimal'),
  watch: id('number of the watch'),
  log: id('number of the log'),
  leafIndex: decimal('in its tree, from 0'),
  seenAt: time,
  reasons: Type.Array(Type.String(), { description: 'for which an alarm was raised' }),
  kind: Type.String({ example: 'hashedrekord 0.0.1' }),
  subjects: Type.Array(Type.String()),
  issuer: Type.Optional(text('of the identity token')),
  keys: Type.Array(Type.String()),
  repositories: Type.Optional(Type.Array(Type.String())),
  workflow: Type.Optional(text('that signed')),
  serialNumber: Type.Optional(text('of the certificate, hex')),
  time,
  timeOf: Type.Optional(
    oneOf(['certificate', 'log', 'monitor'], {
      description: 'start of the certificate, time of the log, or when the monitor read it',
    }),
  ),
})
export type Finding = Immutable<Static<typeof Finding>>

export const Alarm = Type.Object({
  id: id('decimal'),
  kind: oneOf(alarmKinds),
  severity: oneOf(severities),
  summary: text('one sentence'),
  detail: Type.Object({}, { description: 'the evidence of the last time, by kind' }),
  log: Type.Optional(id('number of the log')),
  watch: Type.Optional(id('number of the watch')),
  state: oneOf(alarmStates),
  times: count({ description: 'how often it was met while not closed' }),
  firstAt: time,
  lastAt: time,
  acts: Type.Optional(
    Type.Array(Type.Object({ act: oneOf(acts), at: time, by: Type.String(), note: Type.String() }), {
      description: 'of one alarm alone, oldest first',
    }),
  ),
})
export type Alarm = Immutable<Static<typeof Alarm>>

/** What a person sends with an act. */
const ActBody = Type.Object(
  { by: Type.Optional(text('who; default api')), note: Type.Optional(text('why')) },
  { example: { by: 'ada@example.com', note: 'the database was put back on Monday' } },
)

/** By their names in the OpenAPI document. */
export const schemas = { Log, WatchDefinition, Watch, Finding, Alarm, Act: ActBody }

/** A list below `member`. */
export function pageSchema<Member extends string, Row extends TSchema>(member: Member, row: Row) {
  const rows = { [member]: Type.Array(row) } as { readonly [name in Member]: TArray<Row> }
  const next = Type.Optional(text('cursor of the next page; missing on the last'))
  return Type.Object({ ...rows, next })
}
