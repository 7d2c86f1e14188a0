/** The part of the environment that says who is told of new entries. */
import { SettingsError, secret, urlVariable } from '@sigstack/server'
import { type Static, Type } from 'typebox'

export const redisUrl = Type.String({
  pattern: '^rediss?://',
  maxLength: 4096,
  description: 'a redis: or rediss: URL',
})

export const eventVariables = {
  LOG_EVENTS_URL: Type.Optional(
    urlVariable({ pattern: '^https?://[^\\s#]+$', description: 'an http or https URL' }),
  ),
  LOG_EVENTS_SECRET: Type.Optional(secret(Type.String({ minLength: 16, maxLength: 4096 }))),
  LOG_EVENTS_BATCH: Type.Integer({ default: 1, minimum: 1, maximum: 500 }),
  /** Key of a Redis stream, in the Redis of LOG_EVENTS_REDIS_URL or REDIS_URL. */
  LOG_EVENTS_STREAM: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  LOG_EVENTS_STREAM_MAX: Type.Integer({ default: 100_000, minimum: 1, maximum: 100_000_000 }),
  LOG_EVENTS_REDIS_URL: Type.Optional(secret(redisUrl)),
} as const

/** One of them at least. */
export type EventsConfig = {
  readonly webhook?: { readonly url: string; readonly secret?: string; readonly batch: number }
  readonly stream?: { readonly url: string; readonly name: string; readonly maxEvents: number }
}

const Variables = Type.Object({ ...eventVariables, REDIS_URL: Type.Optional(redisUrl) })

/** `undefined` where nobody is to be told. Throws one error that names the variable. */
export function eventsConfig(environment: Static<typeof Variables>): EventsConfig | undefined {
  const { LOG_EVENTS_URL: url, LOG_EVENTS_SECRET: secret, LOG_EVENTS_STREAM: name } = environment
  if (url === undefined && name === undefined) return undefined
  const batch = environment.LOG_EVENTS_BATCH
  return {
    ...(url !== undefined && { webhook: { url, batch, ...(secret !== undefined && { secret }) } }),
    ...(name !== undefined && {
      stream: { url: streamUrl(environment), name, maxEvents: environment.LOG_EVENTS_STREAM_MAX },
    }),
  }
}

function streamUrl({ LOG_EVENTS_REDIS_URL: own, REDIS_URL: shared }: Static<typeof Variables>): string {
  const url = own ?? shared
  if (url === undefined) {
    throw new SettingsError(['LOG_EVENTS_STREAM: set LOG_EVENTS_REDIS_URL or REDIS_URL beside it'])
  }
  return url
}
