/** A Redis that helps while it is there: nothing waits for it, and who asks it must have another answer. */
import { Redis } from 'ioredis'

export type RedisAid = {
  readonly redis: Redis
  isReady(): boolean
  close(): void
}

/** `onReachable` is told once each time Redis goes or comes back. A command without an answer after `commandTimeoutMs` fails. */
export function openRedisAid(
  url: string,
  onReachable: (reachable: boolean, reason?: string) => void,
  commandTimeoutMs = 250,
): RedisAid {
  const redis = new Redis(url, {
    connectTimeout: 2000,
    commandTimeout: commandTimeoutMs,
    maxRetriesPerRequest: 0,
    // A command given while Redis is away fails at once instead of waiting for its return.
    enableOfflineQueue: false,
    retryStrategy: (attempt) => Math.min(attempt * 200, 5000),
  })
  let reachable: boolean | undefined
  const note = (nowReachable: boolean, reason?: string): void => {
    if (reachable === nowReachable) return
    reachable = nowReachable
    onReachable(nowReachable, reason)
  }
  redis.on('ready', () => note(true))
  // What the library itself says before its connection is ready says nothing about Redis; a connection that breaks is a 'close'.
  redis.on('error', (error: Error) => {
    if (!error.message.startsWith("Stream isn't writeable")) note(false, error.message)
  })
  redis.on('close', () => note(false, 'connection closed'))
  return {
    redis,
    isReady: () => redis.status === 'ready',
    close: () => {
      redis.removeAllListeners('close')
      redis.disconnect()
    },
  }
}
