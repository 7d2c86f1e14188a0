/**
 * The TUF repository as a folder of numbered files that never change. The highest numbered timestamp is what is
 * published: making that file is the commit, and only one of several writers can make it. Whatever an unfinished
 * publication left behind is named by no timestamp, and its numbers are passed over.
 */
import { join } from 'node:path'
import type { Logger } from '@sigstack/server'
import {
  encodeMetadata,
  isWantedRoot,
  nextRelease,
  nextRoot,
  type Target,
  TufError,
  type WantedRoot,
} from '@sigstack/tuf'
import type { TufConfig } from '../config.ts'
import { createOrRefuse, prepareFolder } from '../durable-files.ts'
import { TrustError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { highestNumbers, newestNumber, readRelease, readRoot } from './numbered-files.ts'

export type Repository = {
  /** Publishes what changed and renews what would expire. Throws a {@link TrustError} and leaves what was published. */
  update(targets: readonly Target[]): Promise<void>
  isPublished(): boolean
  /** The numbers of the newest files, also when another copy of this service has just made them. */
  newest(role: 'root' | 'timestamp'): Promise<number>
}

export type RepositoryDependencies = {
  readonly folder: string
  readonly lifetimes: TufConfig['lifetimes']
  /** Opens the keys; told whether there is no root yet. */
  readonly openKeys: (isFirstRoot: boolean) => Promise<WantedRoot>
  readonly now: () => Date
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'expiry'>
}

/** How often another writer may be faster before it is left to the next turn. */
const attempts = 5

/** Throws a sentence when the keys at hand cannot continue what is in the folder. */
export async function openRepository(dependencies: RepositoryDependencies): Promise<Repository> {
  const { folder, lifetimes, now, logger, metrics } = dependencies
  await prepareFolder(join(folder, 'targets'))
  const rootOf = rememberLast((number) => readRoot(folder, number))
  const releaseOf = rememberLast((number) => readRelease(folder, number))
  let newest = await highestNumbers(folder)
  const keys = await dependencies.openKeys(newest.root === 0)
  await inWords(async () => nextRoot(await rootOf(newest.root), keys, lifetimes, now()))
  /** Whether a root with the keys of this process was in place once: who changes it then is another copy. */
  let settled = false

  /** False when another writer took one of the numbers. */
  async function publish(targets: readonly Target[]): Promise<boolean> {
    newest = await highestNumbers(folder)
    const present = await rootOf(newest.root)
    if (settled && present !== undefined && !isWantedRoot(present, keys)) {
      throw new TufError(
        'foreign_online_key',
        'another copy of this service has published a root with other keys; restart this one with the same keys',
      )
    }
    const successor = await nextRoot(present, keys, lifetimes, now())
    const root = successor ?? present
    if (root === undefined) throw new Error('neither a root nor a first one')
    const next = await nextRelease({
      root,
      current: await releaseOf(newest.timestamp),
      targets,
      onlineSigner: keys.onlineSigner,
      lifetimes,
      now: now(),
      used: newest,
    })
    const files = [...(next?.files ?? [])]
    // Clients take the root first and then demand its keys: as little as possible lies between it and the timestamp.
    if (successor !== undefined) {
      const path = `${successor.signed.version}.root.json`
      files.splice(-1, 0, { path, bytes: encodeMetadata(successor) })
    }
    for (const { path, bytes } of files) {
      // A target has its hash in its name, so one that is there is the same.
      const created = await createOrRefuse(join(folder, path), bytes)
      if (!created && !path.startsWith('targets/')) return false
    }
    settled = true
    if (files.length > 0) {
      newest = await highestNumbers(folder)
      logger.info({ root: newest.root, timestamp: newest.timestamp }, 'TUF metadata published')
    }
    tellExpiry(root.signed.expires, next?.release ?? (await releaseOf(newest.timestamp)))
    return true
  }

  function tellExpiry(rootExpires: string, release: Awaited<ReturnType<typeof readRelease>>): void {
    const expires = {
      root: rootExpires,
      targets: release?.targets.signed.expires,
      snapshot: release?.snapshot.signed.expires,
      timestamp: release?.timestamp.signed.expires,
    }
    for (const [role, time] of Object.entries(expires))
      if (time !== undefined) metrics.expiry.set({ role }, Date.parse(time) / 1000)
  }

  return {
    update: (targets) =>
      inWords(async () => {
        for (let attempt = 0; attempt < attempts; attempt++) if (await publish(targets)) return
        throw new TrustError(
          'repository_unusable',
          'other copies of this service kept writing into the TUF repository',
        )
      }),
    isPublished: () => newest.timestamp > 0,
    newest: async (role) => {
      const number = await newestNumber(folder, role, newest[role])
      if (number > newest[role]) newest = { ...newest, [role]: number }
      return number
    },
  }
}

/** Numbered files never change, and mostly the newest is the one of before. */
function rememberLast<Value>(read: (number: number) => Promise<Value>): typeof read {
  let last: { readonly number: number; readonly value: Value } | undefined
  return async (number) => {
    if (last?.number !== number) last = { number, value: await read(number) }
    return last.value
  }
}

async function inWords<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof TufError)) throw cause
    throw new TrustError('repository_unusable', `the TUF repository: ${cause.message}`, { cause })
  }
}
