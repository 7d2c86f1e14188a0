/** Logs that follow each other, each with a name and a key of its own: what one of them says of all, and where clients reach them. */
import { type PublicKey, parsePublicKeyPem } from '@sigstack/crypto'
import { hasDotSegment } from '@sigstack/server'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

/** Oldest first. */
export type LineLog = {
  readonly origin: string
  /** Before the paths of a CT log; empty where its name is in its host. */
  readonly prefix: string
  readonly publicKey: PublicKey
  /** `prepared`: nothing is signed with its key yet. */
  readonly isPrepared: boolean
  /** Of all but the first. */
  readonly openedAt?: Date
}

const Line = Type.Object({
  logs: Type.Array(
    Type.Object({
      origin: Type.String({ pattern: '^[A-Za-z0-9._:/\\[\\]-]+$', maxLength: 255 }),
      prefix: Type.Optional(Type.String({ pattern: '^(/[A-Za-z0-9._-]+)*$', maxLength: 200 })),
      publicKey: Type.String({ maxLength: 16_384 }),
      state: Type.Union([Type.Literal('open'), Type.Literal('frozen'), Type.Literal('prepared')]),
      openedAt: Type.Optional(Type.String({ pattern: '^\\d{4}-[0-9T:.-]+Z$', maxLength: 40 })),
    }),
    { minItems: 1, maxItems: 1000 },
  ),
})

/** `undefined` for what is no such list. Throws a CryptoError for what is no key. */
export function parseLine(json: unknown): readonly LineLog[] | undefined {
  if (!Value.Check(Line, json) || json.logs.some(({ prefix = '' }) => hasDotSegment(prefix))) return undefined
  return json.logs.map(({ origin, prefix = '', publicKey, state, openedAt }) => ({
    origin,
    prefix,
    publicKey: parsePublicKeyPem(publicKey),
    isPrepared: state === 'prepared',
    ...(openedAt !== undefined && { openedAt: new Date(openedAt) }),
  }))
}

type Place = Pick<LineLog, 'origin' | 'prefix'>

/** @param url Of one of the logs, without a slash at its end: the others differ in their host, or in their path. */
export function urlInLine(url: string, log: Place, logs: readonly Place[]): string {
  if (logs.length === 1) return url
  if (logs.some(({ prefix }) => prefix !== '')) {
    const own = logs.map(({ prefix }) => prefix).filter((prefix) => url.endsWith(prefix))
    const longest = own.toSorted((a, b) => b.length - a.length)[0] ?? ''
    return `${url.slice(0, url.length - longest.length)}${log.prefix}`
  }
  const { protocol, hostname, port } = new URL(url)
  const host = log.origin.includes(':') ? `[${log.origin}]` : log.origin
  return host === hostname ? url : `${protocol}//${host}${port === '' ? '' : `:${port}`}`
}
