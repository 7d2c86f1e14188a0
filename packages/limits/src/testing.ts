/** A real Redis for tests: REDIS_URL when it is set, else the machine's redis-server, started and stopped here. */
import { spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'
import { freePorts } from '@sigstack/server/free-ports'

export type TestRedis = { readonly url: string; stop(): Promise<void> }

/** Why there is no Redis to test with, or undefined when there is one. */
export function missingRedis(): string | undefined {
  if (process.env.REDIS_URL !== undefined || redisServerPath() !== undefined) return undefined
  return 'no Redis: set REDIS_URL or install redis-server'
}

/** Starts a server of our own, also when REDIS_URL is set: for tests that stop it on purpose. */
export async function startRedis(port?: number): Promise<TestRedis & { readonly port: number }> {
  const path = redisServerPath()
  if (path === undefined) throw new Error('redis-server is not on PATH')
  // Another process may take the port that was free: then there are others.
  for (let attempt = 1; ; attempt++) {
    const [ownPort = 0] = port === undefined ? await freePorts(1) : [port]
    const started = await startRedisAt(ownPort, path)
    if (started !== undefined) return started
    if (attempt === 20) throw new Error(`redis-server does not start on port ${ownPort}`)
  }
}

async function startRedisAt(
  port: number,
  path: string,
): Promise<(TestRedis & { readonly port: number }) | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-test-'))
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ]
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  if (!(await isServing(child.stdout))) {
    rmSync(folder, { recursive: true, force: true })
    return undefined
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGKILL')
        await ended
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function openRedis(): Promise<TestRedis> {
  const { REDIS_URL: url } = process.env
  return url === undefined ? startRedis() : { url, stop: async () => undefined }
}

export function redisServerPath(): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'redis-server'))
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** False when it has ended: an answer at its port alone could be that of somebody else. */
function isServing(output: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    let said = ''
    output.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000)
      if (said.includes('Ready to accept connections')) resolve(true)
    })
    output.on('close', () => resolve(false))
  })
}
