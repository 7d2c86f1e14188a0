/** A server that we did not write, run on loopback ports and ended by its own process id. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export type Program = {
  readonly pid: number
  /** SIGTERM, after ten seconds SIGKILL, and waits for the end. */
  stop(): Promise<void>
}

export type ProgramOptions = {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** What it prints goes there. */
  readonly logFile: string
  /** Asked until it says true. */
  readonly isReady: () => Promise<boolean>
  readonly timeoutMs?: number
}

const patienceMs = 10_000

/** Throws one sentence that names the log file when the program ends or stays silent. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { name, command, args, logFile, isReady, timeoutMs = 60_000 } = options
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = createWriteStream(logFile, { flags: 'a' })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  let ended: string | undefined
  const exited = new Promise<void>((resolve) => {
    const end = (reason: string): void => {
      ended = reason
      resolve()
    }
    child.on('error', (error) => end(error.message))
    child.on('close', (code, signal) => end(`it ended with ${code ?? signal}`))
  })
  // A crash of the run leaves nothing behind.
  const endWithUs = (): void => void child.kill('SIGKILL')
  process.on('exit', endWithUs)
  void exited.then(() => process.off('exit', endWithUs))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    await exited
    clearTimeout(killer)
    log.end()
    await once(log, 'close')
  }
  const deadline = performance.now() + timeoutMs
  while (!(await isReady().catch(() => false))) {
    const isLate = performance.now() > deadline
    if (ended !== undefined || isLate) {
      const reason = ended ?? `not within ${timeoutMs} ms`
      await stop()
      throw new Error(`${name} did not start (${reason}); see ${logFile}`)
    }
    await sleep(50)
  }
  return { pid: child.pid ?? 0, stop }
}

export async function answers(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2000) })
  await answer.arrayBuffer()
  return answer.ok
}
