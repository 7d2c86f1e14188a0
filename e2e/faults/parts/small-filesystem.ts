/** A filesystem of its own that can be filled to the brim and freed again. */
import { execFile } from 'node:child_process'
import { mkdir, open, rm, statfs } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { errorCode } from '@sigstack/crypto'

const execute = promisify(execFile)

export type SmallFilesystem = {
  readonly folder: string
  /** Takes all space but so many bytes. */
  fill(leaveBytes: number): Promise<void>
  free(): Promise<void>
  unmount(): Promise<void>
}

/** Throws where this user may not mount one. */
export async function mountSmallFilesystem(folder: string, megabytes: number): Promise<SmallFilesystem> {
  await mkdir(folder, { recursive: true })
  await execute('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'tmpfs', folder])
  const ballast = path.join(folder, 'ballast')
  return {
    folder,
    fill: async (leaveBytes) => {
      const { bavail, bsize } = await statfs(folder)
      const file = await open(ballast, 'a')
      try {
        const zeros = Buffer.alloc(1 << 16)
        for (let left = bavail * bsize - leaveBytes; left > 0; left -= zeros.length) await file.write(zeros)
      } catch (error) {
        // Another one was faster to take the last block.
        if (errorCode(error) !== 'ENOSPC') throw error
      } finally {
        await file.close()
      }
    },
    free: () => rm(ballast, { force: true }),
    unmount: async () => {
      await execute('umount', ['-l', folder])
    },
  }
}
