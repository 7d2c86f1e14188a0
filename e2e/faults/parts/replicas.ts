/** Log replicas as processes of their own over one database, to be killed and started again at their addresses. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'

export type ReplicaOptions = {
  /** For key, password and what the replicas log. */
  readonly folder: string
  readonly databaseUrl: string
  readonly environment?: NodeJS.ProcessEnv
}

export type Replica = {
  readonly url: string
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
  /** At the same address. */
  restart(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** How it ended without having been killed here, if it did: a crash or an unhandled rejection of its own. */
  fell(): string | undefined
}

const main = new URL('../../../services/log/src/main.ts', import.meta.url).pathname
export const replicaPassword = 'of the fault run'

export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  await mkdir(options.folder, { recursive: true })
  await writeFile(path.join(options.folder, 'password'), `${replicaPassword}\n`, { mode: 0o600 })
  const [port] = await freePorts(1)
  let running = await start(options, String(port))
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
      running = await start(options, new URL(running.url).port)
    },
    signal: (signal) => running.child.kill(signal),
    fell: () => {
      const { exitCode, signalCode } = running.child
      const ended = exitCode !== null || signalCode !== null
      return ended && !running.killed ? `a replica ended by itself (${signalCode ?? exitCode})` : undefined
    },
  }
}

/** Throws when one of them ended by itself. */
export function assertStanding(replicas: readonly Replica[]): void {
  for (const replica of replicas) {
    const fall = replica.fell()
    if (fall !== undefined) throw new Error(`${fall}: see replicas.log`)
  }
}

type Running = {
  readonly child: ChildProcess
  readonly url: string
  readonly exited: Promise<unknown>
  readonly killed: boolean
}

async function start(options: ReplicaOptions, port: string): Promise<Running> {
  const { folder, databaseUrl, environment } = options
  const child = spawn(process.execPath, [main], {
    env: {
      ...process.env,
      LOG_FACE: 'rekor-v1',
      LOG_HOSTNAME: '127.0.0.1',
      LOG_PORT: port,
      DATABASE_URL: databaseUrl,
      LOG_KEY: path.join(folder, 'rekor.key.pem'),
      LOG_KEY_PASSWORD_FILE: path.join(folder, 'password'),
      LOG_LEVEL: 'info',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const record = createWriteStream(path.join(folder, 'replicas.log'), { flags: 'a' })
  child.stderr.pipe(record, { end: false })
  const exited = new Promise((resolve) => child.on('exit', resolve))
  return { child, url: await urlFrom(child, record), exited, killed: false }
}

/** A service with port 0 says in its log where it listens. */
function urlFrom(child: ChildProcess, record: NodeJS.WritableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text: string | undefined = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      record.write(chunk)
      if (text === undefined) return
      text += chunk.toString('utf8')
      const url = /"url":"([^"]+)"[^\n]*log is open/.exec(text)?.[1]
      if (url === undefined) return
      text = undefined
      resolve(url)
    })
    child.on('exit', (code) =>
      reject(new Error(`the log ended with status ${code} before it was open: see replicas.log`)),
    )
  })
}
