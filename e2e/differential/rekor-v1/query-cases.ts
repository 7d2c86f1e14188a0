/** Queries for many entries at once and for what an entry is about. */
import type { Request } from '../exchange.ts'
import { type Case, post, type SharedEntry } from './cases.ts'

const entries = '/api/v1/log/entries'
const nowhere = '0'.repeat(64)

const asked = (name: string, request: Request): Case => ({ name, request: () => request })

export function retrieveCases({ proposal: good, indexOf }: SharedEntry): readonly Case[] {
  const retrieve = (what: string, query: unknown): Case =>
    asked(`retrieve ${what}`, post(`${entries}/retrieve`, query))
  return [
    retrieve('nothing', {}),
    retrieve('null', null),
    retrieve('a list', []),
    retrieve('empty lists', { entryUUIDs: [], logIndexes: [], entries: [] }),
    retrieve('null lists', { entryUUIDs: null, logIndexes: null, entries: null }),
    retrieve('one empty list', { logIndexes: [] }),
    retrieve('an unknown leaf', { entryUUIDs: [nowhere] }),
    retrieve('an unknown tree', { entryUUIDs: [`0000000000000001${nowhere}`] }),
    retrieve('a tree above 63 bits', { entryUUIDs: [`ffffffffffffffff${nowhere}`] }),
    retrieve('a tree of zero', { entryUUIDs: [`0000000000000000${nowhere}`] }),
    retrieve('an ID that is none', { entryUUIDs: ['x'] }),
    retrieve('a number for an ID', { entryUUIDs: [1] }),
    retrieve('a text for a list', { entryUUIDs: nowhere }),
    retrieve('an index beyond', { logIndexes: [999_999] }),
    retrieve('a negative index', { logIndexes: [-1] }),
    retrieve('an index as text', { logIndexes: ['1'] }),
    retrieve('a broken index', { logIndexes: [1.5] }),
    {
      name: 'retrieve an index twice',
      request: (side) => post(`${entries}/retrieve`, { logIndexes: [indexOf(side), indexOf(side)] }),
    },
    retrieve('ten indexes', { logIndexes: Array.from({ length: 10 }, (_, i) => 999_990 + i) }),
    retrieve('eleven indexes', { logIndexes: Array.from({ length: 11 }, (_, i) => 999_990 + i) }),
    retrieve('eleven of two kinds', {
      logIndexes: Array.from({ length: 6 }, (_, i) => 999_990 + i),
      entryUUIDs: Array<string>(5).fill(nowhere),
    }),
    retrieve('a proposal of an unknown kind', { entries: [{ ...good, kind: 'x' }] }),
    retrieve('a proposal of an unknown version', { entries: [{ ...good, apiVersion: '9.9.9' }] }),
    retrieve('a proposal without spec', { entries: [{ ...good, spec: undefined }] }),
    retrieve('a proposal that does not verify', { entries: [{ ...good, spec: {} }] }),
    retrieve('null for a proposal', { entries: [null] }),
    asked('retrieve broken JSON', { ...post(`${entries}/retrieve`, {}), body: '{' }),
    asked('retrieve an empty body', { ...post(`${entries}/retrieve`, {}), body: '' }),
    asked('retrieve with a slash behind', post(`${entries}/retrieve/`, { logIndexes: [999_999] })),
  ]
}

export function searchQueries(): readonly Case[] {
  const search = (what: string, query: unknown): Case =>
    asked(`search ${what}`, post('/api/v1/index/retrieve', query))
  return [
    search('for nothing', {}),
    search('null', null),
    search('a list', []),
    search('an unknown digest', { hash: nowhere }),
    search('an unknown digest with its algorithm', { hash: `sha256:${nowhere}` }),
    search('a SHA-1', { hash: `sha1:${'0'.repeat(40)}` }),
    search('a digest of another length', { hash: nowhere.slice(2) }),
    search('a digest of a wrong algorithm', { hash: `sha512:${nowhere}` }),
    search('a digest in capitals', { hash: 'A'.repeat(64) }),
    search('a number for a digest', { hash: 5 }),
    search('an empty digest', { hash: '' }),
    search('an unknown e-mail address', { email: 'nobody@example.com' }),
    search('an e-mail address that is none', { email: 'x' }),
    search('an empty e-mail address', { email: '' }),
    search('an e-mail address with a name', { email: 'A <a@example.com>' }),
    search('an unknown subject', { subject: 'https://example.com/nobody' }),
    search('an empty subject', { subject: '' }),
    search('a long subject', { subject: 'x'.repeat(513) }),
    search('a key of no format', { publicKey: { content: 'AAAA' } }),
    search('a key of an unknown format', { publicKey: { format: 'x', content: 'AAAA' } }),
    search('a key without content', { publicKey: { format: 'x509' } }),
    search('a key by address', { publicKey: { format: 'x509', url: 'http://127.0.0.1/key' } }),
    ...['pgp', 'x509', 'minisign', 'ssh', 'tuf'].map((format) =>
      search(`junk as ${format} key`, { publicKey: { format, content: 'anVuaw==' } }),
    ),
    search('a key that is not base64', { publicKey: { format: 'x509', content: '*' } }),
    search('by an unknown operator', { hash: nowhere, operator: 'xor' }),
    search('by and', { hash: nowhere, email: 'nobody@example.com', operator: 'and' }),
    search('by or', { hash: nowhere, email: 'nobody@example.com', operator: 'or' }),
    asked('search broken JSON', { ...post('/api/v1/index/retrieve', {}), body: '{' }),
    asked('search an empty body', { ...post('/api/v1/index/retrieve', {}), body: '' }),
  ]
}
