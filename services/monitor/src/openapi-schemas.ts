/** The bodies of the API. */
import type { Schema } from '@sigstack/server'
import { alarmKinds } from './alarms/alarm.ts'

const text = (description: string): Schema => ({ type: 'string', description })
const time: Schema = { type: 'string', description: 'ISO 8601, UTC' }
const condition: Schema = {
  type: 'object',
  description: 'one of exact, glob (stars for any characters), regex (RE2, of the whole text)',
  properties: { exact: { type: 'string' }, glob: { type: 'string' }, regex: { type: 'string' } },
  example: { glob: 'https://github.com/example/*' },
}

const head: Readonly<Record<string, Schema>> = {
  size: text('leaves, decimal'),
  rootHash: text('SHA-256, hex'),
}

const definition: Readonly<Record<string, Schema>> = {
  name: { type: 'string', example: 'releases of app' },
  logs: { type: 'array', items: { type: 'string' }, description: 'names of logs; all where left out' },
  subject: { ...condition, description: `a name in the certificate: ${condition.description}` },
  issuer: { ...condition, description: `of the identity token: ${condition.description}` },
  repository: { ...condition, description: `of the source: ${condition.description}` },
  key: text('SHA-256 of the public key (SubjectPublicKeyInfo), hex'),
  alarmOn: {
    type: 'array',
    items: { enum: ['identity-seen', 'new-workflow', 'outside-hours'] },
    description: 'default identity-seen: every entry. What is found is kept in any case',
    example: ['identity-seen'],
  },
  hours: {
    type: 'object',
    description: 'when entries are expected; for outside-hours',
    properties: {
      timeZone: { type: 'string' },
      days: { type: 'array', items: { type: 'integer' } },
      from: { type: 'string' },
      to: { type: 'string' },
    },
    example: { timeZone: 'Europe/Berlin', days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' },
  },
  paused: { type: 'boolean', example: false },
}

export const schemas = {
  Log: {
    type: 'object',
    required: ['id', 'name', 'kind', 'url', 'state', 'verified', 'headsSeen'],
    properties: {
      id: text('decimal'),
      name: { type: 'string', example: 'rekor' },
      shard: text('tree ID in decimal, of Rekor v1'),
      kind: { enum: ['rekor-v1', 'rekor-v2', 'ct'] },
      url: { type: 'string', example: 'http://127.0.0.1:3000' },
      origin: text('first line of its checkpoints'),
      state: {
        enum: ['following', 'behind', 'inconsistent', 'unseen'],
        description:
          'behind: there are leaves to read; inconsistent: a head does not fit, and the tree is followed no further',
      },
      verified: {
        type: 'object',
        description: 'up to here every leaf was hashed and led to a signed root',
        properties: { ...head, at: time },
      },
      newest: {
        type: 'object',
        description: 'the largest head that was shown',
        properties: { ...head, seenAt: time },
      },
      headsSeen: { type: 'integer' },
    },
  },
  WatchDefinition: {
    type: 'object',
    description: 'all that is set must hold; one of subject, issuer, repository and key is needed',
    required: ['name'],
    properties: definition,
    example: {
      name: 'releases of app',
      repository: { exact: 'https://github.com/example/app' },
      alarmOn: ['new-workflow'],
    },
  },
  Watch: {
    type: 'object',
    required: ['id', 'name', 'alarmOn', 'paused', 'source', 'createdAt', 'createdBy', 'findings'],
    properties: {
      id: text('decimal'),
      ...definition,
      source: { enum: ['api', 'file'] },
      createdAt: time,
      createdBy: text('who, or the file'),
      findings: { type: 'integer' },
      lastFoundAt: time,
    },
  },
  Finding: {
    type: 'object',
    required: ['id', 'watch', 'log', 'leafIndex', 'seenAt', 'reasons', 'kind', 'subjects', 'keys', 'time'],
    properties: {
      id: text('decimal'),
      watch: text('number of the watch'),
      log: text('number of the log'),
      leafIndex: text('in its tree, from 0'),
      seenAt: time,
      reasons: { type: 'array', items: { type: 'string' }, description: 'for which an alarm was raised' },
      kind: { type: 'string', example: 'hashedrekord 0.0.1' },
      subjects: { type: 'array', items: { type: 'string' } },
      issuer: text('of the identity token'),
      keys: { type: 'array', items: { type: 'string' } },
      repositories: { type: 'array', items: { type: 'string' } },
      workflow: text('that signed'),
      serialNumber: text('of the certificate, hex'),
      time,
      timeOf: {
        enum: ['certificate', 'log', 'monitor'],
        description: 'start of the certificate, time of the log, or when the monitor read it',
      },
    },
  },
  Alarm: {
    type: 'object',
    required: ['id', 'kind', 'severity', 'summary', 'detail', 'state', 'times', 'firstAt', 'lastAt'],
    properties: {
      id: text('decimal'),
      kind: { enum: Object.keys(alarmKinds) },
      severity: { enum: ['page', 'ticket', 'notice'] },
      summary: text('one sentence'),
      detail: { type: 'object', description: 'the evidence of the last time, by kind' },
      log: text('number of the log'),
      watch: text('number of the watch'),
      state: { enum: ['open', 'acknowledged', 'closed'] },
      times: { type: 'integer', description: 'how often it was met while not closed' },
      firstAt: time,
      lastAt: time,
      acts: {
        type: 'array',
        description: 'of one alarm alone, oldest first',
        items: {
          type: 'object',
          properties: {
            act: { enum: ['acknowledge', 'close', 'reopen'] },
            at: time,
            by: { type: 'string' },
            note: { type: 'string' },
          },
        },
      },
    },
  },
  Act: {
    type: 'object',
    properties: { by: text('who; default api'), note: text('why') },
    example: { by: 'ada@example.com', note: 'the database was put back on Monday' },
  },
} satisfies Readonly<Record<string, Schema>>
