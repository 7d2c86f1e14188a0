/** The logs that are followed, from a file: `logs`, a list of them. */
import { CheckpointError, type NoteKey, parseNoteKey } from '@sigstack/checkpoint'
import {
  CryptoError,
  isObject,
  type PublicKey,
  parsePublicKeyPem,
  quoted,
  withoutEnd,
} from '@sigstack/crypto'
import { MonitorError } from '../errors.ts'
import { bad, parseItems, readList } from '../read-list.ts'
import type { LogKind } from './tree.ts'

export type LogDescription = {
  /** By which its memory is found again. */
  readonly name: string
  readonly kind: LogKind
  /** Without a slash at its end. */
  readonly url: string
  readonly read: 'tiles' | 'api'
  /** Where others show its checkpoints: mirrors, and witnesses by the URL of the checkpoint's folder. */
  readonly views: readonly string[]
  /** `baseUrl` of its keys in the trusted root; its URL where it is not said. */
  readonly trustedUrl: string
  /** In place of those of the trusted root. */
  readonly key?: NoteKey | PublicKey
}

const kinds: readonly LogKind[] = ['rekor-v1', 'rekor-v2', 'ct']
const members = ['name', 'kind', 'url', 'read', 'views', 'trustedUrl', 'key']
const mostLogs = 200

/** Throws `bad_file`. */
export function parseLogs(text: string): readonly LogDescription[] {
  const logs = parseItems(readList(text, 'logs'), 'logs', parseLog)
  if (logs.length > mostLogs) throw bad(`it has more than ${mostLogs} logs`)
  const names = new Set<string>()
  for (const { name } of logs) {
    if (names.has(name)) throw bad(`two logs have the name ${quoted(name)}`)
    names.add(name)
  }
  return logs
}

function parseLog(value: unknown): LogDescription {
  if (!isObject(value)) throw malformed('a log is an object')
  const unknown = Object.keys(value).find((name) => !members.includes(name))
  if (unknown !== undefined) throw malformed(`a log has no member ${quoted(unknown, 50)}`)
  const { name, read = 'tiles', views = [], trustedUrl, key } = value
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name))
    throw malformed('name must be 1 to 100 letters, digits, dots, dashes and underscores')
  const kind = kinds.find((each) => each === value['kind'])
  if (kind === undefined) throw malformed(`kind must be one of ${kinds.join(', ')}`)
  if (read !== 'tiles' && read !== 'api') throw malformed('read must be tiles or api')
  if (kind === 'rekor-v2' && read === 'api') throw malformed('a log of Rekor v2 is read by tiles alone')
  if (!Array.isArray(views) || views.length > 20)
    throw malformed('views must be a list of URLs, of at most 20')
  if (views.length > 0 && (kind === 'rekor-v1' || read === 'api'))
    throw malformed(
      'views are of logs of one tree that are read by tiles: not of rekor-v1, and not with read: api',
    )
  const url = urlOf(value['url'], 'url')
  return {
    name,
    kind,
    url,
    read,
    views: views.map((view) => urlOf(view, 'views')),
    trustedUrl: trustedUrl === undefined ? url : urlOf(trustedUrl, 'trustedUrl'),
    ...(key !== undefined && { key: keyOf(key) }),
  }
}

function urlOf(value: unknown, what: string): string {
  const url = typeof value === 'string' && value.length <= 2_048 ? URL.parse(value) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw malformed(`${what} must be an http or https URL without query`)
  if (url.username !== '' || url.password !== '') throw malformed(`${what} must not hold a password`)
  return withoutEnd(url.href, '/')
}

/** A line of C2SP's form, or PEM. */
function keyOf(value: unknown): NoteKey | PublicKey {
  if (typeof value !== 'string' || value.length > 8_192) throw malformed('key must be a vkey or PEM')
  try {
    return value.includes('-----BEGIN') ? parsePublicKeyPem(value) : parseNoteKey(value.trim())
  } catch (cause) {
    if (!(cause instanceof CheckpointError) && !(cause instanceof CryptoError)) throw cause
    throw malformed(`key: ${cause.message}`)
  }
}

function malformed(why: string): MonitorError {
  return new MonitorError('malformed', why)
}
