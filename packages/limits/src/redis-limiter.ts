/**
 * Buckets that all replicas share. Redis is an aid: when it is gone, each replica counts for itself until it is back, and nobody is
 * refused for it. Keys are hashed, so that Redis holds no identities, and expire when their buckets are full.
 */
import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { allowed, type Limiter, paceOf, type Rule, refusedFor } from './limiter.ts'
import { openRedisAid } from './redis-aid.ts'

export type RedisLimiterOptions = {
  readonly url: string
  /** Before every key; limiters of one name share their buckets. */
  readonly name: string
  readonly rules: readonly Rule[]
  /** Counts what Redis does not answer within `answerMs`. */
  readonly fallback: Limiter
  readonly answerMs: number | undefined
  /** Told once each time Redis goes or comes back. */
  readonly onReachable: (reachable: boolean, reason?: string) => void
}

/**
 * Time is Redis's own, in microseconds, so that replicas need not agree on theirs. One hash a key, one field a rule. Answers how
 * long to wait, 0 when the tokens were taken.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local fields = redis.call('HGETALL', KEYS[1])
local fullAt, wait, longest = {}, 0, 0
for i = 1, #fields, 2 do fullAt[tonumber(fields[i])] = tonumber(fields[i + 1]) end
local count = #ARGV / 2
for i = 1, count do
  local at = math.max(fullAt[i] or 0, now)
  wait = math.max(wait, at - now - tonumber(ARGV[2 * i]))
  fullAt[i] = at + tonumber(ARGV[2 * i - 1])
  longest = math.max(longest, fullAt[i] - now)
end
if wait > 0 then return wait end
local set = {}
for i = 1, count do
  set[#set + 1] = i
  set[#set + 1] = string.format('%.0f', fullAt[i])
end
redis.call('HSET', KEYS[1], unpack(set))
redis.call('PEXPIRE', KEYS[1], math.ceil(longest / 1000) + 1000)
return 0
`

type WithTake = Redis & { takeToken(key: string, ...paces: readonly number[]): Promise<number> }

export function createRedisLimiter(options: RedisLimiterOptions): Limiter {
  const { name, rules, fallback, answerMs, onReachable } = options
  const paces = rules
    .map(paceOf)
    .flatMap(({ intervalMs, toleranceMs }) => [Math.round(intervalMs * 1000), Math.round(toleranceMs * 1000)])
  const aid = openRedisAid(options.url, onReachable, answerMs)
  const redis = aid.redis as WithTake
  redis.defineCommand('takeToken', { numberOfKeys: 1, lua: script })

  return {
    take: async (key) => {
      if (!aid.isReady()) return fallback.take(key)
      let waitUs: number
      try {
        waitUs = await redis.takeToken(`limit:${name}:${hash('sha256', key, 'base64url')}`, ...paces)
      } catch {
        return fallback.take(key)
      }
      return waitUs > 0 ? refusedFor(waitUs / 1000) : allowed
    },
    state: () => (aid.isReady() ? 'redis' : 'redis_unreachable'),
    stop: async () => {
      aid.close()
      await fallback.stop()
    },
  }
}
