/** A log that can be told to forget, to fork and to lie: tiles, RFC 6962 and Rekor v1 over the same leaves. */
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodeNoteKey, noteKeyHint, noteKeyOf, rekorV1KeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { createSigner, encodePublicKeyPem, type Signer, toBase64, toHex, utf8 } from '@sigstack/crypto'
import { encodeDigitallySigned, sthSignedData } from '@sigstack/ct'
import {
  type ChangedTile,
  emptyTree,
  growTree,
  leafHash,
  parseTilePath,
  proveConsistency,
  type Tile,
  type Tree,
  tileHashes,
  tileWidth,
} from '@sigstack/merkle'
import type { Test } from 'tap'

export type TestLog = {
  readonly url: string
  readonly vkey: string
  readonly publicKeyPem: string
  /** What is shown from now on: another list of leaves is another history. */
  show(leaves: readonly Uint8Array[]): void
  /** Entries are given as these, whatever the head says. */
  give(leaves: readonly Uint8Array[] | undefined): void
  /** Heads are shown as before; tiles are not there. */
  giveNothing(): void
  /** The head says this, in place of what is so. */
  tell(tale: Tale | undefined): void
  /** Heads are signed by this one. */
  signWith(signer: Signer): void
  /** Every question is answered with this status; undefined for as it should be. */
  fail(status: number | undefined): void
  readonly signer: Signer
  readonly asked: string[]
}

export type Tale = {
  readonly size?: bigint
  readonly origin?: string
  readonly extensionLines?: readonly string[]
}

export const treeId = '1234567890'

export const textLeaves = (count: number, word = 'leaf'): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, at) => utf8(`{"${word}":${at}}`))

export function newSigner(kind: 'ed25519' | 'ecdsa' = 'ed25519'): Signer {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return createSigner(privateKey)
}

export async function openTestLog(
  t: Test,
  { signer = newSigner(), dialect = 'tiles' }: { signer?: Signer; dialect?: 'tiles' | 'rekor-v1' } = {},
): Promise<TestLog> {
  const name = 'log.example'
  const origin = dialect === 'rekor-v1' ? `${name} - ${treeId}` : name
  const keyHint =
    dialect === 'rekor-v1' ? rekorV1KeyHint(signer.publicKey) : noteKeyHint(name, signer.publicKey)
  let signing = signer
  let shown: Shown = build([])
  let given: readonly Uint8Array[] | undefined
  let status: number | undefined
  const asked: string[] = []
  let isBare = false
  let tale: Tale | undefined
  const checkpoint = () => {
    const { size = shown.tree.size, ...told } = tale ?? {}
    const treeHead = { size, rootHash: shown.tree.rootHash }
    return signCheckpoint({ origin, name, treeHead, signer: signing, keyHint, ...told })
  }

  async function answer(path: string, query: URLSearchParams, body: string): Promise<Answer> {
    const leaves = given ?? shown.leaves
    const number = (key: string) => BigInt(query.get(key) ?? '0')
    if (path === '/checkpoint') return await checkpoint()
    if (path === '/ct/v1/get-sth') return JSON.stringify(await treeHeadOf(shown.tree, signing))
    if (path === '/ct/v1/get-sth-consistency')
      return JSON.stringify({ consistency: proof(shown, number('first'), number('second')).map(toBase64) })
    if (path === '/ct/v1/get-entries') {
      // Fewer than asked for, as logs do.
      const part = leaves.slice(Number(number('start')), Number(number('end')) + 1).slice(0, 7)
      return JSON.stringify({ entries: part.map((leaf) => ({ leaf_input: toBase64(leaf), extra_data: '' })) })
    }
    if (path === '/api/v1/log')
      return JSON.stringify({
        treeID: treeId,
        treeSize: Number(shown.tree.size),
        rootHash: toHex(shown.tree.rootHash),
        signedTreeHead: await checkpoint(),
        inactiveShards: [],
      })
    if (path === '/api/v1/log/proof')
      return JSON.stringify({ hashes: proof(shown, number('firstSize'), number('lastSize')).map(toHex) })
    if (path === '/api/v1/log/entries/retrieve') {
      const { logIndexes } = JSON.parse(body) as { logIndexes: readonly number[] }
      return JSON.stringify(
        logIndexes.flatMap((at) => {
          const leaf = leaves[at]
          return leaf === undefined ? [] : [{ [`${at}`]: { logIndex: at, body: toBase64(leaf) } }]
        }),
      )
    }
    const tile = parseTilePath(path.slice(1))
    if (tile === undefined || isBare) return undefined
    if (tile.level === 'entries') {
      const first = Number(tile.index) * tileWidth
      const part = leaves.slice(first, first + tile.width)
      return part.length < tile.width ? undefined : Buffer.concat(part.flatMap(framed))
    }
    const found = shown.tiles.get(`${tile.level}/${tile.index}`)
    return found === undefined || found.width < tile.width ? undefined : tileHashes(found.tile, tile.width)
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://log.example')
    asked.push(url.pathname)
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const path = url.pathname.replace(`/shards/${treeId}`, '')
      const answering =
        status === undefined ? answer(path, url.searchParams, String(Buffer.concat(parts))) : undefined
      Promise.resolve(answering).then(
        (body) => response.writeHead(status ?? (body === undefined ? 404 : 200)).end(body ?? ''),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    vkey: encodeNoteKey(noteKeyOf(name, signer.publicKey, 'log')),
    publicKeyPem: encodePublicKeyPem(signer.publicKey),
    show: (leaves) => {
      shown = build(leaves)
    },
    give: (leaves) => {
      given = leaves
    },
    giveNothing: () => {
      isBare = true
    },
    tell: (other) => {
      tale = other
    },
    signWith: (other) => {
      signing = other
    },
    fail: (other) => {
      status = other
    },
    signer,
    asked,
  }
}

type Answer = string | Uint8Array | undefined
type Shown = {
  readonly leaves: readonly Uint8Array[]
  readonly tree: Tree
  readonly tiles: ReadonlyMap<string, ChangedTile>
}

function build(leaves: readonly Uint8Array[]): Shown {
  const { tree, changedTiles } = growTree(emptyTree, leaves.map(leafHash))
  return { leaves, tree, tiles: new Map(changedTiles.map((tile) => [`${tile.level}/${tile.index}`, tile])) }
}

function proof({ tiles }: Shown, oldSize: bigint, newSize: bigint): readonly Uint8Array[] {
  return proveConsistency(oldSize, newSize, (level, index): Tile => {
    const found = tiles.get(`${level}/${index}`)
    if (found === undefined) throw new Error('there is no such tile')
    return found.tile
  }).hashes
}

function framed(leaf: Uint8Array): readonly Uint8Array[] {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(leaf.length)
  return [length, leaf]
}

async function treeHeadOf({ size, rootHash }: Tree, signer: Signer): Promise<object> {
  const timestampMs = 1_700_000_000_000
  const signature = await signer.sign(sthSignedData({ timestampMs, treeSize: size, rootHash }))
  return {
    tree_size: Number(size),
    timestamp: timestampMs,
    sha256_root_hash: toBase64(rootHash),
    tree_head_signature: toBase64(encodeDigitallySigned({ algorithm: 'ecdsa', signature })),
  }
}
