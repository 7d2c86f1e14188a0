/** What every service answers, and the shape of its refusals, for the descriptions. */
import type { Answer, ApiDocument, Schema } from './document.ts'

const text = (description: string, type: string) => ({ description, content: { [type]: {} } })
const json = (schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

const healthSchema: Schema = {
  type: 'object',
  properties: { status: { type: 'string' } },
  example: { status: 'ok' },
}

export const readinessSchema: Schema = {
  type: 'object',
  required: ['status', 'checks'],
  properties: {
    status: { enum: ['ready', 'not ready'] },
    checks: {
      type: 'object',
      description: 'what the service needs, and how it is',
      additionalProperties: { type: 'string' },
    },
  },
  example: { status: 'ready', checks: { database: 'ok' } },
}

export const commonPaths: ApiDocument['paths'] = {
  '/healthz': {
    get: { summary: 'The process lives', responses: { 200: json(healthSchema, 'It does') } },
  },
  '/readyz': {
    get: {
      summary: 'The service can serve',
      responses: {
        200: json(readinessSchema, 'It can'),
        503: json(readinessSchema, 'It cannot; the checks say why'),
      },
    },
  },
  '/metrics': {
    get: {
      summary: 'Metrics for Prometheus, unless they have a port of their own',
      responses: { 200: text('Metrics', 'text/plain') },
    },
  },
}

/** Problem details (RFC 9457). */
export const problemSchema: Schema = {
  type: 'object',
  required: ['type', 'title', 'status'],
  properties: {
    type: { const: 'about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'for people' },
  },
  example: {
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: 'there is nothing at this path for this method',
  },
}

export function problem(description: string): Answer {
  return {
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}
