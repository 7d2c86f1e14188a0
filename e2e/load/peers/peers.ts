/**
 * What others built for the same work, beside ours in one run, where this machine has it. A peer that it has not is named as missing;
 * `--install` builds it, if Go does.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { InteropError } from '../../support/interop-error.ts'
import { openUserWorkshop, type Workshop } from '../../support/workshop.ts'
import type { Bench } from '../bench-context.ts'
import { besideFulcio } from './fulcio.ts'
import { besideRekorTiles } from './rekor-tiles.ts'
import { besideFileServers } from './static-files.ts'
import { besideTimestampAuthority } from './timestamp-authority.ts'

export type PeerOptions = {
  /** Of {@link peerNames}. */
  readonly only: readonly string[]
  readonly rounds: number
  readonly clients: readonly number[]
  /** Requests a second. */
  readonly rates: readonly number[]
  readonly certificateClients: readonly number[]
  readonly certificateRates: readonly number[]
  /** Builds what the machine has not; takes minutes. */
  readonly installs: boolean
}

export type PeerContext = Omit<PeerOptions, 'only' | 'installs'> & {
  readonly bench: Bench
  /** Of the stack and its database. */
  readonly pids: readonly number[]
  readonly workshop: Workshop
  readonly folder: string
  /** What is started is stopped by it. */
  readonly running: AsyncDisposableStack
  /** Of one turn. */
  readonly seconds: number
  missing(name: string, error: InteropError): void
}

const contests: Readonly<Record<string, (context: PeerContext) => Promise<void>>> = {
  'rekor-tiles': besideRekorTiles,
  'timestamp-authority': besideTimestampAuthority,
  fulcio: besideFulcio,
  'file-servers': besideFileServers,
}
export const peerNames: readonly string[] = Object.keys(contests)

export async function benchPeers(bench: Bench, { only, installs, ...options }: PeerOptions): Promise<void> {
  const { report, databasePid } = bench
  const workshop = await openUserWorkshop((message) => report.say(`  ${message}`), {
    installedOnly: !installs,
  })
  const missing = (name: string, { message }: InteropError): void => {
    report.say(`\nmissing       ${name}: ${message}`)
    report.keep({ kind: 'peer', name, missing: message })
  }
  for (const [name, hold] of Object.entries(contests)) {
    if (!only.includes(name)) continue
    await using running = new AsyncDisposableStack()
    const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-bench-peers-'))
    running.defer(() => rm(folder, { recursive: true, force: true }))
    const pids = [bench.stack().pid, ...(databasePid === undefined ? [] : [databasePid])]
    const seconds = Math.max(1, Math.ceil(bench.seconds / options.rounds))
    try {
      await hold({ ...options, bench, pids, workshop, folder, running, seconds, missing })
    } catch (error) {
      if (!(error instanceof InteropError && error.code === 'missing')) throw error
      missing(name, error)
    }
  }
}
