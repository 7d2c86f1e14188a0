/**
 * A value made from files, and made anew when they change: by writing, by renaming, by the swap of a symbolic link as
 * orchestrators do it. A file with a fault keeps the value before it.
 */
import { createHash } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { reasonOf } from '@sigstack/crypto'

export type ReloadOptions<T> = {
  /** Files, and folders for the names in them. Those that are missing count as such. Asked at each look. */
  readonly paths: () => readonly string[] | Promise<readonly string[]>
  /** What is in force at the start. */
  readonly initial: T
  /** Throws when the files have a fault. */
  readonly load: () => T | Promise<T>
  readonly onReload?: (value: T) => void
  /** Once for each new fault, with its error. */
  readonly onFault?: (error: unknown) => void
  /** Changes that the system tells are noticed at once; this finds the others. Default 5000 ms. */
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

export async function reloadFromFiles<T>(options: ReloadOptions<T>): Promise<Reloading<T>> {
  const { load, onReload = () => {}, onFault = () => {}, pollMs = 5000 } = options
  let value = options.initial
  let fault: string | undefined
  let seen = await fingerprint(await options.paths())
  let looking: Promise<void> | undefined
  let stopped = false

  const look = async (): Promise<void> => {
    const paths = await options.paths()
    follow(paths)
    const now = await fingerprint(paths)
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

  follow(await options.paths())
  const timer = setInterval(() => void check(), pollMs)
  timer.unref()
  return {
    current: () => value,
    fault: () => fault,
    check,
    stop() {
      stopped = true
      clearInterval(timer)
      clearTimeout(settling)
      for (const path of watchers.keys()) forget(path)
    },
  }
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
