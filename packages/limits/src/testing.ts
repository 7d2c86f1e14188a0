/** A real Redis for tests: REDIS_URL when it is set, else the machine's redis-server, started and stopped here. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

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
  const folder = mkdtempSync(join(tmpdir(), 'redis-test-'))
  const ownPort = port ?? (await freePort())
  const args = [
    '--port',
    String(ownPort),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ]
  const child = spawn(path, args, { stdio: 'ignore' })
  await waitForPort(ownPort, child)
  return {
    url: `redis://127.0.0.1:${ownPort}`,
    port: ownPort,
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

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function waitForPort(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (open) return
    await sleep(50)
  }
  throw new Error('redis-server did not come up')
}
