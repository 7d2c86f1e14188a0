/** What processes take of the processors, as the kernel counts it. */
import { readFile } from 'node:fs/promises'
import { childrenOf } from './memory.ts'

/** Microseconds of processor time an answer. */
export type Cost = { readonly stack: number; readonly database: number; readonly generator: number }

export type Costs = {
  /** Since it was started, divided among so many answers. */
  stop(answers: number): Promise<Cost>
}

/** @param databasePid Of PostgreSQL's first process; without it its cost is not known. */
export async function startCosts(stackPid: number, databasePid: number | undefined): Promise<Costs> {
  const database = () => (databasePid === undefined ? undefined : microsecondsOfTree(databasePid))
  const before = { stack: await microseconds(stackPid), database: await database(), own: process.cpuUsage() }
  return {
    stop: async (answers) => {
      const own = process.cpuUsage(before.own)
      const after = { stack: await microseconds(stackPid), database: await database() }
      return {
        stack: (after.stack - before.stack) / answers,
        database: ((after.database ?? Number.NaN) - (before.database ?? 0)) / answers,
        generator: (own.user + own.system) / answers,
      }
    },
  }
}

/** Of these processes and their children, since it was started. */
export async function startProcessorTime(pids: readonly number[]): Promise<() => Promise<number>> {
  const sum = async () => {
    const all = await Promise.all(pids.map(microsecondsOfTree))
    return all.reduce((total, each) => total + each, 0)
  }
  const before = await sum()
  return async () => (await sum()) - before
}

async function microsecondsOfTree(pid: number): Promise<number> {
  const all = await Promise.all([pid, ...(await childrenOf(pid))].map(microseconds))
  return all.reduce((sum, each) => sum + each, 0)
}

/** The kernel counts in hundredths of a second. */
const microsecondsPerTick = 10_000

async function microseconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The command may hold spaces and brackets; user and system time are the twelfth and thirteenth field behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * microsecondsPerTick
}
