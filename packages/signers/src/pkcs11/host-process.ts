/** This side of the process that has a PKCS #11 module loaded (host.ts): started when needed, ended when it hangs. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SignerError } from '../errors.ts'
import type { FoundKey, HostAnswer, HostReply, HostRequest } from './protocol.ts'
import { mostSessions } from './sessions.ts'

export type Host = {
  /** `signal` ends the whole process: a call into a module cannot be ended otherwise. */
  open(uri: string, request: Extract<HostRequest, { op: 'open' }>, signal: AbortSignal): Promise<FoundKey>
  sign(uri: string, request: Extract<HostRequest, { op: 'sign' }>, signal: AbortSignal): Promise<Uint8Array>
  isAlive(): boolean
}

const hosts = new Map<string, Host>()

/** The living host of a module: one for all keys behind it, since a module is initialised once in a process. */
export function hostOf(modulePath: string): Host {
  const known = hosts.get(modulePath)
  if (known?.isAlive() === true) return known
  const host = startHost()
  hosts.set(modulePath, host)
  return host
}

function startHost(): Host {
  const path = fileURLToPath(new URL('./host.ts', import.meta.url))
  const child = fork(path, [], {
    execArgv: [],
    serialization: 'advanced',
    // Modules print what they like; standard output is the service's own.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, UV_THREADPOOL_SIZE: String(mostSessions) },
  })
  const pending = new Map<number, (answer: HostAnswer) => void>()
  let alive = true
  let lastId = 0

  const fail = (): void => {
    alive = false
    for (const settle of pending.values())
      settle({
        ok: false,
        code: 'unreachable',
        message: 'is behind a PKCS #11 module that crashed or was ended',
      })
    pending.clear()
  }
  child.on('exit', fail)
  child.on('error', fail)
  child.on('message', ({ id, reply }: HostReply) => {
    pending.get(id)?.(reply)
    pending.delete(id)
    if (pending.size === 0) release(child)
  })
  release(child)

  const ask = async (
    uri: string,
    request: HostRequest,
    signal: AbortSignal,
  ): Promise<FoundKey | Uint8Array> => {
    const answer = await new Promise<HostAnswer>((resolve) => {
      const id = ++lastId
      pending.set(id, resolve)
      signal.addEventListener('abort', () => pending.has(id) && child.kill('SIGKILL'), { once: true })
      hold(child)
      child.send({ id, request }, (error) => error !== null && fail())
    })
    if (answer.ok) return answer.value
    // A token that was taken out, a session that was closed: a fresh process finds its way back, this one would not.
    if (answer.code === 'unreachable') child.kill('SIGKILL')
    throw new SignerError(answer.code, `${uri} ${answer.message}`)
  }
  return {
    open: async (uri, request, signal) => (await ask(uri, request, signal)) as FoundKey,
    sign: async (uri, request, signal) => (await ask(uri, request, signal)) as Uint8Array,
    isAlive: () => alive && !child.killed,
  }
}

/** An idle host keeps no service from ending. */
function release(child: ChildProcess): void {
  child.unref()
  child.channel?.unref()
}

function hold(child: ChildProcess): void {
  child.ref()
  child.channel?.ref()
}
