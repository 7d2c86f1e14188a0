/** What a line says of its logs to whoever publishes their keys: those that serve, and the one that is prepared to come next. */
import { encodePublicKeyPem, parsePublicKey } from '@sigstack/crypto'
import { type LineRow, listLine, orUnavailable, readNextLog } from '@sigstack/log-engine'
import type { Queryable } from '@sigstack/postgres'
import type { Operation, Schema } from '@sigstack/server'

/** Of the database, so that every replica says the same. */
export async function toldLine(db: Queryable, line: string): Promise<string> {
  const [logs, next] = await orUnavailable(Promise.all([listLine(db, line), readNextLog(db, line)]))
  const told = logs.flatMap((log) => (log.publicKey === undefined ? [] : [toldLog(log, log.publicKey)]))
  if (next !== undefined) told.push({ ...named(next), publicKey: pemOf(next.publicKey), state: 'prepared' })
  return `${JSON.stringify({ logs: told })}\n`
}

type ToldLog = {
  readonly origin: string
  /** Before the paths of a CT log. */
  readonly prefix?: string
  readonly publicKey: string
  readonly state: 'open' | 'frozen' | 'prepared'
  readonly openedAt?: string
}

function toldLog(log: LineRow, publicKey: Uint8Array): ToldLog {
  const { openedAtMs } = log
  return {
    ...named(log),
    publicKey: pemOf(publicKey),
    state: log.finalSize === undefined ? 'open' : 'frozen',
    ...(openedAtMs !== undefined && { openedAt: new Date(openedAtMs).toISOString() }),
  }
}

function named({ name, origin }: { readonly name: string; readonly origin: string }) {
  return { origin, ...(name.startsWith('ct') && { prefix: name.slice('ct'.length) }) }
}

function pemOf(spki: Uint8Array): string {
  return encodePublicKeyPem(parsePublicKey(spki))
}

export const toldLineOperation: Operation = {
  summary: 'This log, those before and behind it, and the one that is prepared to come next, oldest first',
  responses: {
    200: {
      description: 'They',
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Line' } } },
    },
  },
}

export const toldLineSchema: Schema = {
  type: 'object',
  properties: {
    logs: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          origin: { type: 'string' },
          prefix: { type: 'string', description: 'of a CT log: before its paths' },
          publicKey: { type: 'string', description: 'PEM' },
          state: { enum: ['open', 'frozen', 'prepared'] },
          openedAt: { type: 'string', description: 'RFC 3339; of all but the first' },
        },
        required: ['origin', 'publicKey', 'state'],
      },
    },
  },
  required: ['logs'],
}
