/** The processes of an embedded PostgreSQL, found from outside as an operator would find them. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../support/random.ts'

/** `undefined` when none runs at the moment. */
export async function postmasterOf(dataDirectory: string): Promise<number | undefined> {
  const file = path.join(dataDirectory, 'cluster/postmaster.pid')
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0])
  return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? pid : undefined
}

/** Kills the postmaster. False when it does not run at the moment. */
export async function killPostmaster(dataDirectory: string): Promise<boolean> {
  const pid = await postmasterOf(dataDirectory)
  return pid !== undefined && kill(pid)
}

/** Kills one of the processes that serve a client; PostgreSQL then ends all of them and recovers. False when there is none. */
export async function killBackend(dataDirectory: string, random: Random): Promise<boolean> {
  const postmaster = await postmasterOf(dataDirectory)
  if (postmaster === undefined) return false
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').catch(() => '')
  const backends: number[] = []
  for (const pid of children.trim().split(' ').map(Number)) {
    const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (title.startsWith('postgres: sigstack sigstack ')) backends.push(pid)
  }
  return backends.length > 0 && kill(random.pick(backends))
}

export async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(10)
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
