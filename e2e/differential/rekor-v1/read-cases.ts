/** Reads of the log and of single entries, and their parameters. */
import { type Case, get, type SharedEntry } from './cases.ts'
import type { Side } from './side.ts'

const entries = '/api/v1/log/entries'
const nowhere = '0'.repeat(64)

const read = (path: string): Case => ({ name: `GET ${path}`, request: () => get(path) })
const readOf = (name: string, path: (side: Side) => string): Case => ({
  name: `GET ${name}`,
  request: (side) => get(path(side)),
})

export function logCases(): readonly Case[] {
  const proof = (query: string) => read(`/api/v1/log/proof?${query}`)
  return [
    read('/api/v1/log'),
    read('/api/v1/log?stable=true'),
    read('/api/v1/log?stable=x'),
    read('/api/v1/log/'),
    read('//api//v1/log'),
    read('/api/v1/log/publicKey'),
    readOf('publicKey of the tree', ({ treeId }) => `/api/v1/log/publicKey?treeID=${treeId}`),
    read('/api/v1/log/publicKey?treeID='),
    read('/api/v1/log/publicKey?treeID=42'),
    read('/api/v1/log/publicKey?treeID=x'),
    read('/api/v1/log/publicKey?treeID=99999999999999999999'),
    proof('lastSize=2'),
    proof('firstSize=1&lastSize=2'),
    proof('firstSize=2&lastSize=2'),
    proof('firstSize=2&lastSize=1'),
    proof('firstSize=1&lastSize=999999'),
    proof('firstSize=0&lastSize=2'),
    proof('firstSize=-1&lastSize=2'),
    proof('firstSize=x&lastSize=2'),
    proof('firstSize=1&lastSize=0'),
    proof('firstSize=1&lastSize=1.5'),
    proof('firstSize=1'),
    proof('firstSize=1&lastSize='),
    proof('firstSize=1&lastSize=99999999999999999999'),
    proof('firstSize=1&lastSize=2&treeID='),
    proof('firstSize=1&lastSize=2&treeID=42'),
    proof('firstSize=1&lastSize=2&treeID=x'),
    proof('firstSize=1&lastSize=2&treeID=99999999999999999999'),
    readOf('proof of the tree', ({ treeId }) => `/api/v1/log/proof?firstSize=1&lastSize=2&treeID=${treeId}`),
  ]
}

export function entryReads({ indexOf }: SharedEntry): readonly Case[] {
  return [
    ...['999999', '-1', 'x', '1.5', '', '99999999999999999999', '0x1', '%201'].map((index) =>
      read(`${entries}?logIndex=${index}`),
    ),
    readOf('an index behind another', (side) => `${entries}?logIndex=999999&logIndex=${indexOf(side)}`),
    read(entries),
    read(`${entries}/${nowhere}`),
    read(`${entries}/${nowhere.slice(1)}`),
    read(`${entries}/x${nowhere.slice(1)}`),
    read(`${entries}/${nowhere}${nowhere}`),
    read(`${entries}/0000000000000000${nowhere}`),
    read(`${entries}/0000000000000001${nowhere}`),
    read(`${entries}/ffffffffffffffff${nowhere}`),
    readOf('an unknown leaf of the tree', ({ treeHex }) => `${entries}/${treeHex}${nowhere}`),
    readOf('an entry ID in capitals', ({ treeHex }) => `${entries}/${treeHex.toUpperCase()}${nowhere}`),
  ]
}
