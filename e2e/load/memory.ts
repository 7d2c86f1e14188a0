/** Memory of processes as the kernel divides it: what several share is counted once, by halves. */
import { readdir, readFile } from 'node:fs/promises'

/** Megabytes of the stack's process and of PostgreSQL with its backends. */
export async function memoryOfTree(
  stackPid: number,
  databasePid: number | undefined,
): Promise<{ stack: number; database: number }> {
  const stack = await proportionalMegabytes(stackPid)
  if (databasePid === undefined) return { stack, database: Number.NaN }
  let database = await proportionalMegabytes(databasePid)
  for (const child of await childrenOf(databasePid)) database += await proportionalMegabytes(child)
  return { stack, database }
}

async function proportionalMegabytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? Number.NaN) / 1024
}

export async function childrenOf(pid: number): Promise<number[]> {
  const children: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // The command may hold spaces and brackets; the parent is the second field behind it.
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) children.push(Number(name))
  }
  return children
}
