/** What the disk under the data folder needs for a durable write: no commit can be faster. */
import { open, rm } from 'node:fs/promises'
import path from 'node:path'

/** Milliseconds of a 4 KiB append with fdatasync, over `rounds` of them. */
export async function measureFsync(folder: string, rounds = 300): Promise<{ p50: number; p99: number }> {
  const file = path.join(folder, 'fsync-probe')
  const handle = await open(file, 'w')
  const block = Buffer.alloc(4096, 1)
  const times: number[] = []
  try {
    for (let i = 0; i < rounds; i++) {
      const start = performance.now()
      await handle.write(block)
      await handle.datasync()
      times.push(performance.now() - start)
    }
  } finally {
    await handle.close()
    await rm(file)
  }
  times.sort((a, b) => a - b)
  return { p50: times[rounds >> 1] ?? Number.NaN, p99: times[Math.floor(rounds * 0.99)] ?? Number.NaN }
}
