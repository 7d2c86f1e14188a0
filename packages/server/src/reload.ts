/**
 * A value made from files, and made anew when they change: by writing, by renaming, by the swap of a symbolic link as
 * orchestrators do it. A file with a fault keeps the value before it.
 */
import { createHash } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { reasonOf } from '@sigstack/crypto'
import { inStep } from './in-step.ts'

export type ReloadOptions<T> = {
  /** Files, and folders for the names in them. Those that are missing count as such. Asked again at each look that reads them. */
  readonly paths: () => readonly string[] | Promise<readonly string[]>
  /** What is in force at the start. */
  readonly initial: T
  /** Throws when the files have a fault. */
  readonly load: () => T | Promise<T>
  readonly onReload?: (value: T) => void
  /** Once for each new fault, with its error. */
  readonly onFault?: (error: unknown) => void
  /** Changes that the system tells are noticed at once; looks at times and sizes of files find the others. Default 5000 ms. */
  readonly pollMs?: number
}

export type Reloading<T> = {
  current(): T
  /** Why the files as they are now are not in force; undefined when they are. */
  fault(): string | undefined
  /** Looks now. Never throws. */
  check(): Promise<void>
  stop(): void
}

/** Writers change several files one after the other; the last of a burst counts. */
const settleMs = 30
/** Not every file system tells of each change by times: one of so many looks reads the files whatever they say. */
const readEach = 12
/** Two changes within the grain of a file system's clock have one time; FAT's is 2 seconds. */
const grainMs = 10_000

export async function reloadFromFiles<T>(options: ReloadOptions<T>): Promise<Reloading<T>> {
  const { load, onReload = () => {}, onFault = () => {}, pollMs = 5000 } = options
  let value = options.initial
  let fault: string | undefined
  let paths = await options.paths()
  /** Undefined: what is read next may be another state. */
  let outside: string | undefined
  let looks = 0
  let seen = await fingerprint(paths)
  let looking: Promise<void> | undefined
  let stopped = false

  const look = async (): Promise<void> => {
    paths = await options.paths()
    follow(paths)
    const { text, newestMs } = await outsideOf(paths)
    outside = undefined
    const now = await fingerprint(paths)
    if (now === seen && newestMs < Date.now() - grainMs) outside = text
    // After a fault every look tries again: it may have been in something that is not in the files.
    if (now === seen && fault === undefined) return
    try {
      const next = await load()
      seen = now
      fault = undefined
      if (stopped) return
      value = next
      onReload(next)
    } catch (error) {
      seen = now
      const reason = reasonOf(error)
      if (reason === fault) return
      fault = reason
      onFault(error)
    }
  }
  const check = (): Promise<void> => {
    looking ??= look()
      .catch(onFault)
      .finally(() => {
        looking = undefined
      })
    return looking
  }

  /** Most looks find nothing, and cost one question to the file system for each path. */
  const glance = async (): Promise<void> => {
    looks++
    const isSame =
      outside !== undefined &&
      fault === undefined &&
      looks % readEach !== 0 &&
      (await outsideOf(paths)).text === outside
    if (!isSame && !stopped) await check()
  }

  const watchers = new Map<string, FSWatcher>()
  let settling: NodeJS.Timeout | undefined
  const soon = (): void => {
    clearTimeout(settling)
    settling = setTimeout(() => void check(), settleMs)
    settling.unref()
  }
  function follow(paths: readonly string[]): void {
    if (stopped) return
    for (const folder of new Set(paths.flatMap((path) => [dirname(path), path]))) {
      if (watchers.has(folder)) continue
      try {
        const watcher = watch(folder, { persistent: false }, soon)
        watcher.on('error', () => forget(folder))
        // A watch on a file follows the file and not its name: after a change it is made again.
        watcher.on('change', (event) => event === 'rename' && forget(folder))
        watchers.set(folder, watcher)
      } catch {
        // Not there, or no watches left: polling finds the change.
      }
    }
  }
  function forget(path: string): void {
    watchers.get(path)?.close()
    watchers.delete(path)
  }

  follow(paths)
  const stopGlancing = inStep(pollMs, () => void glance())
  return {
    current: () => value,
    fault: () => fault,
    check,
    stop() {
      stopped = true
      stopGlancing()
      clearTimeout(settling)
      for (const path of watchers.keys()) forget(path)
    },
  }
}

/** What a folder says of these files, and the newest of their times. Never throws. */
async function outsideOf(
  paths: readonly string[],
): Promise<{ readonly text: string; readonly newestMs: number }> {
  const all = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)))
  const words = all.map((one) =>
    one === undefined ? 'missing' : [one.dev, one.ino, one.size, one.mtimeMs, one.ctimeMs],
  )
  const times = all.flatMap((one) => (one === undefined ? [] : [one.mtimeMs, one.ctimeMs]))
  return { text: JSON.stringify(words), newestMs: Math.max(0, ...times) }
}

async function fingerprint(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(`${path}\0${await contentOf(path)}\0`)
  return hash.digest('base64')
}

async function contentOf(path: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return JSON.stringify((await readdir(path)).sort())
    return createHash('sha256')
      .update(await readFile(path))
      .digest('base64')
  } catch {
    return 'missing'
  }
}
