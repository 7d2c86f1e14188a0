/**
 * This side of the process that has a PKCS #11 module loaded (host.ts): started when needed, ended when it hangs. Not a supervised thread:
 * only a process can be ended in the middle of a call, calls are side by side, and keys are handles of this very process, so that no
 * other one may take its place unseen.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SignerError } from '../errors.ts'
import type { FoundKey, HostAnswer, HostReply, HostRequest } from './protocol.ts'
import { mostSessions } from './sessions.ts'
import { createSlots } from './slots.ts'

export type Host = {
  open(uri: string, request: Extract<HostRequest, { op: 'open' }>): Promise<FoundKey>
  /** `signal` is for leaving the line. */
  sign(uri: string, request: Extract<HostRequest, { op: 'sign' }>, signal: AbortSignal): Promise<Uint8Array>
  isAlive(): boolean
}

/**
 * When a call counts as one that hangs. A call cannot be ended, only its process, and with it the calls beside it: so this does not
 * follow the time that a signature may take. Starting a module and logging in takes network modules seconds.
 */
const hangMs = { open: 15_000, sign: 3_000 } as const

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
  const slots = createSlots(mostSessions)
  let alive = true
  let lastId = 0
  let lastReplyAt = 0

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
    lastReplyAt = performance.now()
    pending.get(id)?.(reply)
    pending.delete(id)
    if (pending.size === 0) release(child)
  })
  release(child)

  const send = (request: HostRequest): Promise<HostAnswer> =>
    new Promise((resolve) => {
      const id = ++lastId
      const sentAt = performance.now()
      // A token that answers others meanwhile is slow and no more. After what has arrived was looked at: we may be the slow ones.
      const watch = setTimeout(() => setImmediate(endIfHanging), hangMs[request.op])
      const endIfHanging = (): void => {
        if (pending.has(id) && lastReplyAt < sentAt) child.kill('SIGKILL')
      }
      pending.set(id, (answer) => {
        clearTimeout(watch)
        resolve(answer)
      })
      hold(child)
      child.send({ id, request }, (error) => error !== null && fail())
    })

  const ask = async (
    uri: string,
    request: HostRequest,
    signal: AbortSignal,
  ): Promise<FoundKey | Uint8Array> => {
    const giveBack = await slots.take(signal)
    // Given back when the token is done with it, however long its caller has been gone.
    const answer = await send(request).finally(giveBack)
    if (answer.ok) return answer.value
    // A token that was taken out, a session that was closed: a fresh process finds its way back, this one would not.
    if (answer.code === 'unreachable') child.kill('SIGKILL')
    throw new SignerError(answer.code, `${uri} ${answer.message}`)
  }
  return {
    open: async (uri, request) => (await ask(uri, request, neverAborted)) as FoundKey,
    sign: async (uri, request, signal) => (await ask(uri, request, signal)) as Uint8Array,
    isAlive: () => alive && !child.killed,
  }
}

const neverAborted = new AbortController().signal

/** An idle host keeps no service from ending. */
function release(child: ChildProcess): void {
  child.unref()
  child.channel?.unref()
}

function hold(child: ChildProcess): void {
  child.ref()
  child.channel?.ref()
}
