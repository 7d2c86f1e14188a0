/** The fault runs: something is killed again and again under load, and the checker holds the log to every answer it gave. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parsePublicKeyPem } from '@sigstack/crypto'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { startStackProcess } from '../support/stack-process.ts'
import { createChecker } from './checker.ts'
import { startWriters } from './writers.ts'

export type RunOptions = {
  readonly folder: string
  readonly kills: number
  readonly writers: number
  readonly onProgress: (line: string) => void
}

export type RunReport = {
  readonly kills: number
  readonly answered: number
  readonly treeHeads: number
  readonly survived: Readonly<Record<string, number>>
}

/** Kill -9 of the whole stack; its embedded database lives on and is adopted by the next start. */
export async function killTheStack({ folder, kills, writers, onProgress }: RunOptions): Promise<RunReport> {
  const dataDirectory = path.join(folder, 'stack')
  let stack = await startStackProcess({ dataDirectory })
  const rekor = (): string => stack.endpoints.services.rekor ?? ''
  try {
    const checker = createChecker(await logKeyOf(rekor()))
    const load = startWriters({ urls: () => [rekor()], writers, checker })
    for (let kill = 1; kill <= kills; kill++) {
      await sleep(200 + Math.random() * 800)
      await stack.kill()
      stack = await startStackProcess({ dataDirectory })
      onProgress(
        `kill ${kill} of ${kills}: up again in ${stack.readyMs.toFixed(0)} ms, ${checker.answered()} entries answered`,
      )
    }
    await load.stop()
    await checker.confront(rekor())
    return reportOf(kills, checker, load.survived)
  } finally {
    await stack.stop()
  }
}

/** Two log replicas over one database, one of them killed each time; the other goes on meanwhile. */
export async function killOneOfTwoReplicas({
  folder,
  kills,
  writers,
  onProgress,
}: RunOptions): Promise<RunReport> {
  await mkdir(folder, { recursive: true })
  const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
  const passwordFile = path.join(folder, 'password')
  await writeFile(passwordFile, 'of the fault run\n', { mode: 0o600 })
  const start = (port: number) => startReplica(folder, port, database.connectionString, passwordFile)
  const replicas: Replica[] = []
  try {
    // One after the other: the first makes the key that both share.
    for (let i = 0; i < 2; i++) replicas.push(await start(0))
    const checker = createChecker(await logKeyOf(replicas[0]?.url ?? ''))
    const load = startWriters({ urls: () => replicas.map(({ url }) => url), writers, checker })
    for (let kill = 1; kill <= kills; kill++) {
      await sleep(200 + Math.random() * 800)
      const at = kill % 2
      const victim = replicas[at] as Replica
      await victim.kill()
      await sleep(100)
      replicas[at] = await start(Number(new URL(victim.url).port))
      onProgress(`kill ${kill} of ${kills}: ${checker.answered()} entries answered`)
    }
    await load.stop()
    for (const { url } of replicas) await checker.confront(url)
    return reportOf(kills, checker, load.survived)
  } finally {
    for (const replica of replicas) await replica.kill()
    await database.stop()
  }
}

type Replica = { readonly url: string; kill(): Promise<void> }

async function startReplica(
  folder: string,
  port: number,
  databaseUrl: string,
  passwordFile: string,
): Promise<Replica> {
  const child = spawn(
    process.execPath,
    [new URL('../../services/log/src/main.ts', import.meta.url).pathname],
    {
      env: {
        ...process.env,
        LOG_FACE: 'rekor-v1',
        LOG_HOSTNAME: '127.0.0.1',
        PORT: String(port),
        DATABASE_URL: databaseUrl,
        LOG_KEY: path.join(folder, 'rekor.key.pem'),
        LOG_KEY_PASSWORD_FILE: passwordFile,
        LOG_LEVEL: 'info',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const url = await urlFrom(child, createWriteStream(path.join(folder, 'replicas.log'), { flags: 'a' }))
  return {
    url,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = new Promise((resolve) => child.on('exit', resolve))
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** A service with port 0 says in its log where it listens. */
function urlFrom(child: ChildProcess, record: NodeJS.WritableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      record.write(chunk)
      if (text === '\0') return
      text += chunk.toString('utf8')
      const url = /"url":"([^"]+)"[^\n]*log is open/.exec(text)?.[1]
      if (url === undefined) return
      text = '\0'
      resolve(url)
    })
    child.on('exit', (code) => reject(new Error(`the log ended with status ${code} before it was open`)))
  })
}

async function logKeyOf(url: string) {
  return parsePublicKeyPem(await (await fetch(`${url}/api/v1/log/publicKey`)).text())
}

function reportOf(
  kills: number,
  checker: { answered(): number; treeHeads(): number },
  survived: ReadonlyMap<string, number>,
): RunReport {
  return {
    kills,
    answered: checker.answered(),
    treeHeads: checker.treeHeads(),
    survived: Object.fromEntries(survived),
  }
}
