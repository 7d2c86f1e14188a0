/** A log that is read by tiles and holds whatever a test puts into it; of certificates with what stands beside each. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodeSignatureLine, noteKeyHint, signCheckpoint } from '@sigstack/checkpoint'
import {
  createSigner,
  generateSigningKey,
  keyFingerprint,
  type PublicKey,
  type Signer,
  toBase64,
} from '@sigstack/crypto'
import { ctNoteKeyHint, encodeCtNoteSignature, sthSignedData } from '@sigstack/ct'
import {
  emptyTree,
  encodeEntryBundle,
  growTree,
  leafHash,
  parseTilePath,
  type TreeHead,
  tileHashes,
  tileWidth,
} from '@sigstack/merkle'
import type { Test } from 'tap'

export type TileLog = {
  readonly url: string
  readonly origin: string
  readonly publicKey: PublicKey
  /** As it was when it had so many leaves, of these or of others. */
  headAt(size: number, of?: readonly Uint8Array[]): Promise<string>
  /** Heads are signed by this one from now on. */
  signWith(signer: Signer): void
  /** Entries are handed out as these from now on, whatever the head says. */
  give(leaves: readonly Uint8Array[]): void
  /** It has these behind the others from now on. */
  grow(leaves: readonly Uint8Array[]): void
  /** Of get-entries, for each leaf. */
  keep(extra: readonly Uint8Array[]): void
}

/** `found`: what a search of it answers; without it there is none. `ctTimeMs`: heads have the line of a log of certificates too, of this time. */
export async function openTileLog(
  t: Test,
  first: readonly Uint8Array[],
  { ctTimeMs, found }: { readonly ctTimeMs?: number; readonly found?: readonly unknown[] } = {},
): Promise<TileLog> {
  const origin = 'tiles.example'
  const own = createSigner(generateSigningKey())
  let [signer, leaves, given, extra] = [own, first, first, [] as readonly Uint8Array[]]
  const tilesNow = () => growTree(emptyTree, leaves.map(leafHash)).changedTiles
  let changedTiles = tilesNow()

  async function headAt(size: number, of = leaves): Promise<string> {
    const keyHint = noteKeyHint(origin, own.publicKey)
    const hashes = of.slice(0, size).map((leaf) => leafHash(leaf))
    const { tree: treeHead } = growTree(emptyTree, hashes)
    const note = await signCheckpoint({ origin, name: origin, treeHead, signer, keyHint })
    return ctTimeMs === undefined ? note : note + (await ctLine(treeHead, ctTimeMs))
  }

  async function ctLine({ size: treeSize, rootHash }: TreeHead, timestampMs: number): Promise<string> {
    const signed = sthSignedData({ timestampMs, treeSize, rootHash })
    const digitally = { algorithm: 'ecdsa', signature: await signer.sign(signed) } as const
    const signature = encodeCtNoteSignature({ timestampMs, signature: digitally })
    const keyHint = ctNoteKeyHint(origin, keyFingerprint(own.publicKey))
    return encodeSignatureLine({ name: origin, keyHint, signature })
  }

  async function answerTo({ pathname, searchParams }: URL): Promise<string | Uint8Array | undefined> {
    if (pathname === '/checkpoint') return headAt(leaves.length)
    if (pathname === '/ct/v1/get-entries') {
      const at = Number(searchParams.get('start'))
      const told = {
        leaf_input: toBase64(leaves[at] ?? new Uint8Array()),
        extra_data: toBase64(extra[at] ?? new Uint8Array()),
      }
      return at < leaves.length ? JSON.stringify({ entries: [told] }) : undefined
    }
    if (pathname === '/api/v1/search')
      return found && JSON.stringify({ entries: found, indexed: leaves.length })
    const asked = parseTilePath(pathname.slice(1))
    if (asked === undefined) return undefined
    const { level, index, width } = asked
    const start = Number(index) * tileWidth
    if (level === 'entries') return encodeEntryBundle(given.slice(start, start + width))
    const tile = changedTiles.find((each) => each.level === level && each.index === index)
    return tile && tileHashes(tile.tile, width)
  }

  const server = createServer((request, response) => {
    void answerTo(new URL(request.url ?? '/', 'http://log')).then((body) =>
      response.writeHead(body === undefined ? 404 : 200).end(body ?? ''),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    origin,
    publicKey: own.publicKey,
    headAt,
    signWith: (other) => {
      signer = other
    },
    give: (other) => {
      given = other
    },
    grow: (more) => {
      leaves = [...leaves, ...more]
      given = [...given, ...more]
      changedTiles = tilesNow()
    },
    keep: (beside) => {
      extra = beside
    },
  }
}
