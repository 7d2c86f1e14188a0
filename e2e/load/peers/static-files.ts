/** A full tile and a full entry bundle from our log, beside the same bytes as files from servers that give out nothing else. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { tileWidth } from '@sigstack/merkle'
import { InteropError } from '../../support/interop-error.ts'
import { fill, openAppender } from '../scenarios/appends.ts'
import { holdContest, type Side } from './contest.ts'
import { startGoFileServer, startNginx } from './file-servers.ts'
import type { PeerContext } from './peers.ts'
import { wrk } from './wrk.ts'

const clients = 64
const files = { tile: '/tile/0/000', 'entry bundle': '/tile/entries/000' } as const
const peers = { nginx: startNginx, "Go's file server": startGoFileServer } as const

type FileSide = Side & { readonly url: string }

export async function besideFileServers(context: PeerContext): Promise<void> {
  const { bench, pids, folder, running, seconds, rounds, missing } = context
  const { url, ...appender } = await openAppender(bench, 'hashedrekord')
  await fill(bench, { url, ...appender }, tileWidth)
  const root = path.join(folder, 'files')
  const sizes = new Map<string, number>()
  for (const file of Object.values(files)) {
    const answer = await fetch(new URL(file, url), { headers: { 'Accept-Encoding': 'identity' } })
    if (!answer.ok) throw new Error(`our log answered ${answer.status} for ${file}`)
    const bytes = Buffer.from(await answer.arrayBuffer())
    sizes.set(file, bytes.length)
    await mkdir(path.join(root, path.dirname(file)), { recursive: true })
    await writeFile(path.join(root, file), bytes)
  }
  const others: FileSide[] = []
  for (const [name, start] of Object.entries(peers)) {
    try {
      const server = await start({ folder: root, own: path.join(folder, name), probe: files.tile })
      running.defer(() => server.stop())
      others.push({ name: server.name, pids: [server.pid], url: server.url })
    } catch (error) {
      if (!(error instanceof InteropError && error.code === 'missing')) throw error
      missing(name, error)
    }
  }
  for (const [what, file] of Object.entries(files))
    await holdContest({
      title: `${what.padEnd(13)} ${sizes.get(file)} bytes, by wrk with one thread`,
      sides: [{ name: 'ours', pids, url: url.origin }, ...others],
      loads: [
        {
          name: `${clients} connections, ${seconds} s each`,
          run: (side: FileSide) => wrk(new URL(file, side.url), { clients, seconds }),
        },
      ],
      rounds,
      report: bench.report,
    })
}
