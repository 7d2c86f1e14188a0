/**
 * Files that are not whole yet: their names say which process writes them, so that those of one that was killed are
 * known and removed by the next.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { errorCode } from '@sigstack/crypto'

const machine = createHash('sha256').update(hostname()).digest('hex').slice(0, 12)

/** A name that nobody else takes, beginning with `stem`. */
export function partialName(stem: string): string {
  return `${stem}.partial-${machine}-${process.pid}-${randomUUID()}`
}

/** Removes from `folder` what processes of this machine that are no more have left of `stem`. A folder that is not there has nothing. */
export async function removeAbandoned(folder: string, stem: string): Promise<void> {
  const begin = `${stem}.partial-${machine}-`
  for (const name of await readdir(folder).catch(() => [])) {
    const [, pid] = name.startsWith(begin)
      ? (/^(\d{1,10})-[0-9a-f-]{36}$/.exec(name.slice(begin.length)) ?? [])
      : []
    if (pid !== undefined && !isAlive(Number(pid))) await rm(path.join(folder, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) !== 'ESRCH'
  }
}
