/** What is sent to both logs; a request may hold what is each log's own, such as the ID of an entry. */
import { readStoredEntry } from '@sigstack/rekor-entries'
import type { Request } from '../exchange.ts'
import type { Side } from './side.ts'
import type { NamedProposal, Proposal } from './vectors.ts'

export type Case = {
  readonly name: string
  readonly request: (side: Side) => Request
}

/** An entry that both logs have; each has an index for it. */
export type SharedEntry = NamedProposal & {
  readonly leafHash: string
  readonly body: string
  readonly indexOf: (side: Side) => number
}

const json = { 'content-type': 'application/json' }

export function post(path: string, body: unknown): Request {
  return { method: 'POST', path, headers: json, body: JSON.stringify(body) }
}

export function get(path: string): Request {
  return { method: 'GET', path }
}

export function proposed({ name, proposal }: NamedProposal): Case {
  return { name: `POST ${name}`, request: () => post('/api/v1/log/entries', proposal) }
}

/** Every way to an entry. */
export function entryCases({ name, proposal, leafHash, indexOf }: SharedEntry): readonly Case[] {
  const entries = '/api/v1/log/entries'
  const retrieve = (what: string, query: (side: Side) => unknown): Case => ({
    name: `retrieve ${name} ${what}`,
    request: (side) => post(`${entries}/retrieve`, query(side)),
  })
  return [
    { name: `POST again ${name}`, request: () => post(entries, proposal) },
    { name: `GET ${name} by entry ID`, request: ({ treeHex }) => get(`${entries}/${treeHex}${leafHash}`) },
    { name: `GET ${name} by leaf hash`, request: () => get(`${entries}/${leafHash}`) },
    { name: `GET ${name} by index`, request: (side) => get(`${entries}?logIndex=${indexOf(side)}`) },
    retrieve('by proposal', () => ({ entries: [proposal] })),
    retrieve('by all', (side) => ({
      entryUUIDs: [`${side.treeHex}${leafHash}`, leafHash],
      logIndexes: [indexOf(side)],
    })),
  ]
}

const formatOf: Readonly<Record<string, string>> = { rpm: 'pgp', helm: 'pgp', tuf: 'tuf' }

/** Searches by the keys of a proposal, and by every digest in its body and every name in its certificate or key. */
export function searchCases({ name, proposal, body }: SharedEntry): readonly Case[] {
  const search = (what: string, query: unknown): Case => ({
    name: `search ${name} by ${what}`,
    request: () => post('/api/v1/index/retrieve', query),
  })
  const digests = new Set(body.match(/(?<=")[0-9a-f]{64}(?=")|(?<=")[0-9a-f]{128}(?=")/g))
  const keys = keysIn(proposal)
  const names = readStoredEntry(Buffer.from(body)).searchKeys.filter(
    (key) => !/^(\w+:)?[0-9a-f]{40,128}$/.test(key),
  )
  return [
    ...[...digests].map((hash) => search(`digest ${hash.slice(0, 8)}`, { hash })),
    ...names.map((each) => search(`name ${each}`, isAddress(each) ? { email: each } : { subject: each })),
    ...keys.flatMap(({ content, format }, i) => [
      search(`key ${i}`, { publicKey: { format, content } }),
      ...[...digests]
        .slice(0, 1)
        .map((hash) =>
          search(`key ${i} and digest`, { publicKey: { format, content }, hash, operator: 'and' }),
        ),
    ]),
  ]
}

type Key = { readonly format: string; readonly content: string }

function keysIn({ kind, spec }: Proposal): readonly Key[] {
  const keys: Key[] = []
  const look = (value: unknown, format: string): void => {
    if (typeof value !== 'object' || value === null) return
    const own = 'format' in value && typeof value.format === 'string' ? value.format : format
    for (const [name, inner] of Object.entries(value)) {
      if (name === 'publicKey' && typeof inner === 'string') keys.push({ format: own, content: inner })
      else if (name === 'publicKey' && hasContent(inner)) keys.push({ format: own, content: inner.content })
      else if (name === 'verifiers' && Array.isArray(inner))
        keys.push(...inner.map((content) => ({ format: own, content: String(content) })))
      else look(inner, own)
    }
  }
  look(spec, formatOf[kind] ?? 'x509')
  return keys
}

function isAddress(name: string): boolean {
  return name.includes('@') && !name.includes('/')
}

function hasContent(value: unknown): value is { readonly content: string } {
  return (
    typeof value === 'object' && value !== null && 'content' in value && typeof value.content === 'string'
  )
}
