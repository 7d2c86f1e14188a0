/**
 * Which of the logs of a line a request is for: each has a host name of its own, which is its origin (rekor-v2.md section 10.2). Who cannot
 * ask by that name, as others on this machine, says it in the path.
 */
import type { FastifyRequest } from 'fastify'
import { RekorV2Refusal } from './errors.ts'

type Named = { readonly log: { readonly origin: string } }

/** Throws a refusal for a path that names none of them. */
export function askedLog<Log extends Named>(logs: readonly [Log, ...Log[]], request: FastifyRequest): Log {
  const { shard } = (request.params ?? {}) as { readonly shard?: string }
  if (shard === undefined) return logAtHost(logs, request.host)
  const found = logOfOrigin(logs, shard)
  if (found === undefined) throw new RekorV2Refusal(404, 'notFound', 'Not Found')
  return found
}

export function logOfOrigin<Log extends Named>(logs: readonly Log[], origin: string): Log | undefined {
  return logs.find(({ log }) => log.origin === origin)
}

/** The log of that name; by any other, such as the address of this machine, the first, as it was before others followed. */
export function logAtHost<Log extends Named>(logs: readonly [Log, ...Log[]], host: string): Log {
  return logNamed(logs, host) ?? logs[0]
}

export function logNamed<Log extends Named>(logs: readonly Log[], host: string): Log | undefined {
  const name = nameOf(host)
  return logs.find(({ log }) => log.origin.toLowerCase() === name)
}

/** Of `log.example.org:443`, `log.example.org.` or `[::1]:3003`: without port, the dot of the root, and brackets. */
function nameOf(host: string): string {
  const [, address, name = ''] = /^(?:\[([^\]]*)\]|([^:]*?)\.?)(?::[0-9]*)?$/.exec(host) ?? []
  return (address ?? name).toLowerCase()
}
