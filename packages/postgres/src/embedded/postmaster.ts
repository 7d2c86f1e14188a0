/** The server process that a cluster's `postmaster.pid` names, and whether it is what the file says. */
import { readFile, readlink, realpath } from 'node:fs/promises'
import path from 'node:path'
import { errorCode } from '@sigstack/crypto'
import type { Listening } from './settings.ts'

export type Postmaster = { readonly pid: number; readonly listening: Listening }

/**
 * Reads `postmaster.pid`: line 1 the process, 4 the port, 5 the socket folder, 6 the address. Undefined when there is
 * none, or none yet that is complete.
 */
export async function readPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const text = await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  const [pidLine, , , portLine, socketDirectory, host] = text.split('\n')
  const pid = Number(pidLine)
  const port = Number(portLine)
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  const listening =
    socketDirectory !== undefined && socketDirectory !== ''
      ? { socketDirectory, port }
      : { host: host === undefined || host === '' ? '127.0.0.1' : host, port }
  return { pid, listening }
}

/** Also true for a process of another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}

/**
 * Whether a living process can be the server of this cluster. Process numbers are reused, in containers soon, so
 * its name and working folder are looked at where the system shows them.
 */
export async function mayServe(pid: number, cluster: string): Promise<boolean> {
  if (process.platform !== 'linux') return true
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
  if (name.trim() !== 'postgres') return false
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(cluster))
  } catch {
    return true
  }
}

/** Sends `signal` and waits until the process is gone. False when it is still there after `limitMs`. */
export async function endProcess(pid: number, signal: NodeJS.Signals, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return true
    throw error
  }
  while (isAlive(pid)) {
    if (performance.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return true
}
