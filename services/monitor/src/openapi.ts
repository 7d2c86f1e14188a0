/** What the API looks like, as OpenAPI 3.1: for people, generators, and the console, which shows it. */
import { alarmKinds, alarmStates, pageSchema, schemas } from '@sigstack/monitor-api'
import { type ApiDocument, commonPaths, type Operation, problem, problemSchema } from '@sigstack/server'
import { version } from '@sigstack/server/version'
import { Type } from 'typebox'

const json = (schema: object) => ({ 'application/json': { schema } })
const named = (name: keyof typeof schemas) => Type.Ref(`#/components/schemas/${name}`)
const list = (member: string, name: keyof typeof schemas) => json(pageSchema(member, named(name)))
const parameter = (name: string, description: string) => ({
  name,
  in: 'query',
  description,
  schema: { type: 'string' },
})
const paging = [
  parameter('limit', '1 to 200; default 50'),
  parameter('cursor', 'what `next` of the page before said'),
]
const id = [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }]
const security = [{ token: [] }]
const refused = { 400: problem('The request is malformed'), 401: problem('The token is missing or wrong') }
const missing = { 404: problem('There is no such row') }

const act = (summary: string, conflict: string): Operation => ({
  summary,
  security,
  parameters: id,
  requestBody: { content: json(named('Act')) },
  responses: {
    200: { description: 'The alarm as it is now', content: json(named('Alarm')) },
    ...refused,
    ...missing,
    409: problem(conflict),
  },
})

const watchBody = (description: string) => ({
  required: true,
  description,
  content: json(named('WatchDefinition')),
})

export const openApi: ApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'sigstack monitor',
    version,
    description:
      'Follows transparency logs, watches identities in them, and keeps what is wrong as alarms. Where a token is set every ' +
      'request below /api needs it; where none is, the monitor answers on loopback alone. Numbers that may be large are ' +
      'decimal texts.',
  },
  paths: {
    '/api/v1/logs': {
      get: {
        summary: 'The trees that are followed, and how far',
        security,
        responses: {
          200: {
            description: 'By name',
            content: json(Type.Object({ logs: Type.Array(named('Log')) })),
          },
          401: refused[401],
        },
      },
    },
    '/api/v1/watches': {
      get: {
        summary: 'Watches, newest first',
        security,
        parameters: paging,
        responses: { 200: { description: 'A page', content: list('watches', 'Watch') }, ...refused },
      },
      post: {
        summary: 'Adds a watch for the entries from now on',
        security,
        requestBody: watchBody('and `by`, who adds it'),
        responses: {
          201: { description: 'The watch', content: json(named('Watch')) },
          ...refused,
          409: problem('There are too many'),
        },
      },
    },
    '/api/v1/watches/{id}': {
      get: {
        summary: 'A watch',
        security,
        parameters: id,
        responses: { 200: { description: 'It', content: json(named('Watch')) }, ...refused, ...missing },
      },
      put: {
        summary: 'Replaces what a watch looks for, pauses it',
        security,
        parameters: id,
        requestBody: watchBody('the whole of it'),
        responses: {
          200: { description: 'The watch', content: json(named('Watch')) },
          ...refused,
          ...missing,
          409: problem('It is one of the file'),
        },
      },
      delete: {
        summary: 'Removes a watch with all that it has found; its alarms stay',
        security,
        parameters: id,
        responses: {
          204: { description: 'It is gone' },
          ...refused,
          ...missing,
          409: problem('It is one of the file'),
        },
      },
    },
    '/api/v1/findings': {
      get: {
        summary: 'Entries that watches have found, newest first',
        security,
        parameters: [parameter('watch', 'of this watch alone'), ...paging],
        responses: { 200: { description: 'A page', content: list('findings', 'Finding') }, ...refused },
      },
    },
    '/api/v1/alarms': {
      get: {
        summary: 'Alarms, newest first',
        security,
        parameters: [
          parameter('state', `some of ${alarmStates.join(', ')}, with commas between; default all`),
          parameter('kind', `some of ${alarmKinds.join(', ')}`),
          parameter('log', 'of this log alone'),
          parameter('watch', 'of this watch alone'),
          ...paging,
        ],
        responses: { 200: { description: 'A page', content: list('alarms', 'Alarm') }, ...refused },
      },
    },
    '/api/v1/alarms.atom': {
      get: {
        summary: 'The newest 50 alarms as an Atom feed; readers of feeds give the token as password of Basic',
        security,
        responses: {
          200: { description: 'Atom', content: { 'application/atom+xml': {} } },
          401: refused[401],
        },
      },
    },
    '/api/v1/alarms/{id}': {
      get: {
        summary: 'An alarm with what people did about it',
        security,
        parameters: id,
        responses: { 200: { description: 'It', content: json(named('Alarm')) }, ...refused, ...missing },
      },
    },
    '/api/v1/alarms/{id}/acknowledge': {
      post: act('Somebody looks into it', 'It is not open'),
    },
    '/api/v1/alarms/{id}/close': {
      post: act('The matter is settled; met again, it is a new alarm', 'It is closed already'),
    },
    '/api/v1/alarms/{id}/reopen': {
      post: act('It is not settled after all', 'It is open, or a later alarm is about the same'),
    },
    ...commonPaths,
  },
  components: {
    schemas: { ...schemas, Problem: problemSchema },
    securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
  },
}
