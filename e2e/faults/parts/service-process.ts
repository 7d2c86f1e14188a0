/** A service as a process of its own, to be killed and started again at its address. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { programOf } from '@sigstack/server/program'

export type ServiceOptions = {
  /** As records name it, when one says that it is open. */
  readonly name: 'log' | 'witness'
  readonly environment: NodeJS.ProcessEnv
  /** What it writes goes there. */
  readonly recordFile: string
}

export type ServiceProcess = {
  readonly url: string
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
  /** At the same address. */
  restart(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** How it ended without having been killed here, if it did: a crash or an unhandled rejection of its own. */
  fell(): string | undefined
}

type Running = {
  readonly child: ChildProcess
  readonly url: string
  readonly exited: Promise<unknown>
  readonly killed: boolean
}

/** Its environment names a port. */
export async function startService(options: ServiceOptions): Promise<ServiceProcess> {
  let running = await start(options)
  return {
    url: running.url,
    kill: async () => {
      const { child, exited } = running
      running = { ...running, killed: true }
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await exited
    },
    restart: async () => {
      running = await start(options)
    },
    signal: (signal) => running.child.kill(signal),
    fell: () => {
      const { exitCode, signalCode } = running.child
      const ended = exitCode !== null || signalCode !== null
      return ended && !running.killed
        ? `a ${options.name} ended by itself (${signalCode ?? exitCode}): see ${options.recordFile}`
        : undefined
    },
  }
}

/** Throws when one of them ended by itself. */
export function assertStanding(services: readonly ServiceProcess[]): void {
  for (const service of services) {
    const fall = service.fell()
    if (fall !== undefined) throw new Error(fall)
  }
}

async function start({ name, environment, recordFile }: ServiceOptions): Promise<Running> {
  const main = new URL(`../../../services/${name}/src/main.ts`, import.meta.url)
  const child = spawn(process.execPath, programOf(main), {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const record = createWriteStream(recordFile, { flags: 'a' })
  child.stderr.pipe(record, { end: false })
  const exited = new Promise((resolve) => child.on('exit', resolve))
  return { child, url: await urlFrom(child, name, record), exited, killed: false }
}

/** A service says in its log where it listens. */
function urlFrom(child: ChildProcess, name: string, record: NodeJS.WritableStream): Promise<string> {
  const opening = new RegExp(`"url":"([^"]+)"[^\\n]*${name} is open`)
  return new Promise((resolve, reject) => {
    let text: string | undefined = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      record.write(chunk)
      if (text === undefined) return
      text += chunk.toString('utf8')
      const url = opening.exec(text)?.[1]
      if (url === undefined) return
      text = undefined
      resolve(url)
    })
    child.on('exit', (code) =>
      reject(new Error(`the ${name} ended with status ${code} before it was open: see its record`)),
    )
  })
}
