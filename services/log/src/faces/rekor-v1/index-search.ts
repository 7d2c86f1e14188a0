/** Entries by what they are about (rekor-v1.md sections 2.8 and 11). */
import { isObject, quoted, toHex } from '@sigstack/crypto'
import { askerOf } from '@sigstack/limits/turnstile'
import { isSearchKeyFormat, searchKeyFormats } from '@sigstack/rekor-entries'
import { type SearchKey, shardAt } from '@sigstack/rekor-log'
import { keyQueryLimitBytes, keysOfPublicKey } from '../../search/public-key.ts'
import { badRequest, badSchema } from './errors.ts'
import { type JsonObject, parseJsonBody } from './json-body.ts'
import { sendJson } from './reply.ts'
import type { Handler } from './route.ts'

const longestSubject = 512
const longestEmail = 512

const hashPattern = /^(sha512:)?[0-9a-fA-F]{128}$|^(sha256:)?[0-9a-fA-F]{64}$|^(sha1:)?[0-9a-fA-F]{40}$/
const prefixByDigits: Readonly<Record<number, string>> = { 128: 'sha512:', 64: 'sha256:', 40: 'sha1:' }

/** One criterion is a list of spellings, of which one is enough. */
type Criteria = { readonly criteria: readonly (readonly SearchKey[])[]; readonly operator: 'and' | 'or' }

export const searchIndex: Handler = ({ shards, search, settings, now }) => ({
  bodyLimit: keyQueryLimitBytes,
  handler: async (request, reply) => {
    const query = parseJsonBody(request.body, 'query', parsingFailed)
    // A key is parsed as one of a proposal is.
    if (isObject(query) && isObject(query['publicKey'])) await settings?.gate?.admitAddress(request.ip)
    const { criteria, operator } = await parseQuery(query, now())
    const found = criteria.length === 0 ? [] : await search.find(criteria, operator, askerOf(request))
    const entryIds = found.map(({ virtualIndex, leafHash }) => {
      return (shardAt(shards.list(), virtualIndex)?.treeIdHex ?? '') + toHex(leafHash)
    })
    return sendJson(reply, 200, entryIds)
  },
})

function parsingFailed(reason: string): string {
  return `parsing query body from "" failed, because ${reason}`
}

async function parseQuery(query: unknown, now: Date): Promise<Criteria> {
  if (query === null) return { criteria: [], operator: 'or' }
  if (!isObject(query)) throw badRequest(parsingFailed('it is not an object'))
  const operator = textOf(query, 'operator') ?? 'or'
  if (operator !== 'and' && operator !== 'or') {
    throw badSchema('not_in_list', 'operator in body should be one of [and or]')
  }
  const criteria = [hashOf(query), emailOf(query), subjectOf(query), await publicKeyOf(query, now)]
  return { criteria: criteria.filter((keys) => keys !== undefined), operator }
}

function textOf(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw badRequest(parsingFailed(`${name} is not a string`))
  return value
}

function hashOf(query: JsonObject): readonly string[] | undefined {
  const hash = textOf(query, 'hash')
  if (hash === undefined) return undefined
  if (!hashPattern.test(hash)) throw badSchema('pattern', `hash in body should match '${hashPattern.source}'`)
  return [hash.includes(':') ? hash : `${prefixByDigits[hash.length] ?? ''}${hash}`]
}

function emailOf(query: JsonObject): readonly string[] | undefined {
  const email = textOf(query, 'email')
  if (email === undefined) return undefined
  if (email.length > longestEmail || !/^[^\s@<>"]+@[^\s@<>"]+$/.test(email)) {
    throw badSchema('wrong_type', `email in body must be of type email: ${quoted(email, 100)}`)
  }
  return [email]
}

function subjectOf(query: JsonObject): readonly string[] | undefined {
  const subject = textOf(query, 'subject')
  if (subject === undefined) return undefined
  if (subject.length > longestSubject) {
    throw badSchema('too_long', `subject in body should be at most ${longestSubject} chars long`)
  }
  return [subject]
}

async function publicKeyOf(query: JsonObject, now: Date): Promise<readonly SearchKey[] | undefined> {
  const publicKey = query['publicKey']
  if (publicKey === undefined || publicKey === null) return undefined
  if (!isObject(publicKey)) throw badRequest(parsingFailed('publicKey is not an object'))
  const format = textOf(publicKey, 'format')
  if (format === undefined) throw badSchema('required', 'publicKey.format in body is required')
  if (!isSearchKeyFormat(format)) {
    throw badSchema(
      'not_in_list',
      `publicKey.format in body should be one of [${searchKeyFormats.join(' ')}]`,
    )
  }
  return keysOfPublicKey(format, textOf(publicKey, 'content') ?? '', now)
}
