/** A log of files, and what a reader makes of it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  emptyTree,
  encodeEntryBundle,
  growTree,
  leafHash,
  proveInclusion,
  tileHashes,
  tilePath,
  tilesForInclusion,
  verifyInclusion,
} from '@sigstack/merkle'
import t, { type Test } from 'tap'
import { openTiles, TileError } from '../src/index.ts'

const size = 300
const entries = Array.from({ length: size }, (_, at) => Buffer.from(`entry ${at}`))
const leaves = entries.map((entry) => leafHash(entry))
const { tree, changedTiles } = growTree(emptyTree, leaves)
const bundleOf = encodeEntryBundle

function filesOfLog(): Map<string, Buffer> {
  const files = new Map<string, Buffer>([['checkpoint', Buffer.from('a note')]])
  for (const { level, index, width, tile } of changedTiles)
    files.set(tilePath({ level, index, width }), Buffer.from(tileHashes(tile, width)))
  files.set('tile/entries/000', bundleOf(entries.slice(0, 256)))
  files.set('tile/entries/001.p/44', bundleOf(entries.slice(256)))
  return files
}

/** Serves the files, with a status of its own where one is wanted, and keeps what was asked. */
async function serve(t: Test, files: ReadonlyMap<string, Buffer>, status?: number) {
  const asked: string[] = []
  const server = createServer(({ url = '' }, response) => {
    asked.push(url.slice(1))
    const file = files.get(url.slice(1))
    response.writeHead(status ?? (file === undefined ? 404 : 200)).end(file)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked }
}

t.test('tiles and bundles are those that the log has written', async (t) => {
  const { url, asked } = await serve(t, filesOfLog())
  const log = openTiles(url)
  const { note, dateMs = 0 } = await log.checkpoint()
  t.equal(note, 'a note')
  t.ok(dateMs > 0, 'by the clock of the server')
  for (const index of [0n, 255n, 256n, 299n]) {
    const tiles = await log.load(tilesForInclusion(index, 300n), 300n)
    const leaf = leaves[Number(index)]
    if (leaf !== undefined) verifyInclusion(proveInclusion(index, 300n, tiles), leaf, tree.rootHash)
  }
  t.equal(asked.filter((path) => path === 'tile/0/000').length, 1, 'full tiles are remembered')
  t.strictSame([...(await log.entries(0n, 300n)), ...(await log.entries(1n, 300n))], entries)
})

t.test('of the full tiles that are kept, the one that was not read for longest goes first', async (t) => {
  const hashes = Array.from({ length: 768 }, (_, at) => leafHash(Buffer.from(`entry ${at}`)))
  const files = new Map<string, Buffer>()
  for (const { level, index, width, tile } of growTree(emptyTree, hashes).changedTiles)
    files.set(tilePath({ level, index, width }), Buffer.from(tileHashes(tile, width)))
  const { url, asked } = await serve(t, files)
  const log = openTiles(url, { keptTiles: 2 })
  for (const index of [0n, 1n, 0n, 2n, 0n, 1n]) await log.load([{ level: 0, index }], 768n)
  t.strictSame(asked, ['tile/0/000', 'tile/0/001', 'tile/0/002', 'tile/0/001'])
})

t.test('where a partial tile went, the full one is taken', async (t) => {
  const { url } = await serve(t, filesOfLog())
  const log = openTiles(url)
  const tiles = await log.load(tilesForInclusion(3n, 100n), 100n)
  const leaf = leaves[3]
  const { rootHash } = growTree(emptyTree, leaves.slice(0, 100)).tree
  if (leaf !== undefined) verifyInclusion(proveInclusion(3n, 100n, tiles), leaf, rootHash)
  t.strictSame(await log.entries(0n, 7n), entries.slice(0, 7))
})

t.test('what is missing, short or refused is told by its code', async (t) => {
  const files = filesOfLog()
  files.set('tile/0/000', Buffer.alloc(33))
  files.set('tile/entries/000', bundleOf(entries.slice(0, 255)))
  files.delete('checkpoint')
  const log = openTiles((await serve(t, files)).url)
  const code = async (work: Promise<unknown>) =>
    work.then(
      () => 'none',
      (error: unknown) => (error instanceof TileError ? error.code : String(error)),
    )
  t.equal(await code(log.load([{ level: 0, index: 0n }], 300n)), 'malformed')
  t.equal(await code(log.entries(0n, 300n)), 'malformed')
  t.equal(await code(log.entries(2n, 600n)), 'not_found')
  t.equal(await code(log.checkpoint()), 'not_found')
  const broken = openTiles((await serve(t, files, 500)).url)
  t.equal(await code(broken.checkpoint()), 'unreachable')
  t.equal(await code(openTiles('http://127.0.0.1:1').checkpoint()), 'unreachable')
})
