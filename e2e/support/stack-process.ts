/** The stack as a process of its own, the way an operator runs it: measured, killed and started again from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { appendFile, mkdir, readFile, stat } from 'node:fs/promises'
import { loadavg } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { programOf } from '@sigstack/server/program'
import type { Endpoints } from '@sigstack/stack'
import { anyPorts } from '@sigstack/stack/testing'

export type StackProcess = {
  readonly endpoints: Endpoints
  readonly pid: number
  /** From spawning the process to a stack that signs. */
  readonly readyMs: number
  /** SIGTERM, and waits for the end; returns the status. */
  stop(): Promise<number>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
}

const main = new URL('../../services/stack/src/main.ts', import.meta.url)

/** Every port is a free one unless the environment names it. What it logs goes to stack.log in the data folder's parent. */
export async function startStackProcess(options: {
  readonly dataDirectory: string
  readonly environment?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
  /** The start file of another checkout. */
  readonly program?: string | undefined
}): Promise<StackProcess> {
  const { dataDirectory, timeoutMs = 120_000, program } = options
  const words = program === undefined ? programOf(main) : [program]
  const endpointsFile = path.join(dataDirectory, 'endpoints.json')
  await mkdir(path.dirname(path.resolve(dataDirectory)), { recursive: true })
  const start = performance.now()
  const startedAt = Date.now()
  // As `npm start` and the image start it.
  const logFile = `${dataDirectory.replace(/\/$/, '')}.log`
  const child = spawn(process.execPath, [await youngGeneration(program), ...reportFlags(logFile), ...words], {
    env: {
      MALLOC_ARENA_MAX: '2',
      ...process.env,
      SIGSTACK_DATA: dataDirectory,
      ...anyPorts,
      LOG_LEVEL: 'warn',
      ...options.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = createWriteStream(logFile, { flags: 'a' })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  const exited = new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 128)))
  let ended = false
  void exited.then(() => {
    ended = true
  })
  while (!(await isNewerThan(endpointsFile, startedAt))) {
    if (ended) throw new Error(`the stack did not start; see ${logFile}`)
    if (performance.now() - start > timeoutMs) {
      await recordHang(pidOf(child), logFile)
      child.kill('SIGKILL')
      throw new Error(`the stack was not up within ${timeoutMs} ms; see ${logFile} and the report beside it`)
    }
    await sleep(10)
  }
  return {
    endpoints: JSON.parse(await readFile(endpointsFile, 'utf8')) as Endpoints,
    pid: pidOf(child),
    readyMs: performance.now() - start,
    stop: async () => {
      child.kill('SIGTERM')
      return exited
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** As `npm start` of that checkout has it. */
async function youngGeneration(program = fileURLToPath(main)): Promise<string> {
  const script = await readFile(path.resolve(path.dirname(program), '../../../scripts/run.mjs'), 'utf8')
  const [flag] = /--max-semi-space-size=\d+/.exec(script) ?? []
  if (flag === undefined) throw new Error('scripts/run.mjs does not say how large the young generation is')
  return flag
}

/** Node writes where each thread stands, and what its loop waits for, when it gets the signal. */
function reportFlags(logFile: string): readonly string[] {
  return [
    '--report-on-signal',
    '--report-signal=SIGUSR2',
    `--report-directory=${path.dirname(path.resolve(logFile))}`,
  ]
}

/** What explains a start that hangs: where the process stands, what the kernel says of it, and how busy the machine is. */
async function recordHang(pid: number, logFile: string): Promise<void> {
  process.kill(pid, 'SIGUSR2')
  const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => 'cannot be read\n')
  const [status, wait] = await Promise.all([read('status'), read('wchan')])
  await appendFile(logFile, `not up in time; load ${loadavg().join(' ')}, waits in ${wait}\n${status}\n`)
  await sleep(2_000)
}

/** A killed stack leaves its endpoints file behind, so its mere presence says nothing. */
async function isNewerThan(file: string, ms: number): Promise<boolean> {
  try {
    return (await stat(file)).mtimeMs >= ms
  } catch {
    return false
  }
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the stack could not be spawned')
  return child.pid
}

/** A token of the trial issuer. */
export async function trialToken(
  endpoints: Endpoints,
  email: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const answer = await fetch(`${endpoints.services['dev-issuer']}/trial/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, ...more }),
  })
  if (!answer.ok) throw new Error(`the trial issuer answered ${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { token: string }).token
}
