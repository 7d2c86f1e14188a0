/**
 * Which of the logs of a line a request is for: each has a host name of its own, which is its origin (rekor-v2.md section 10.2). Who cannot
 * ask by that name, as others on this machine, says it in the path.
 */
import { isIP } from 'node:net'
import type { PlacedLog } from '@sigstack/log-engine'
import type { FastifyRequest } from 'fastify'
import { notOpenHere, type Unopened } from '../../line/unopened.ts'
import { RekorV2Refusal } from './errors.ts'

type Named = { readonly log: { readonly origin: string } }

/** The line as this replica has it. */
export type AskedLine<Log extends Named> = {
  /** Oldest first, at least one. */
  readonly logs: () => readonly [Log, ...Log[]]
  readonly unopened: Unopened
}

/** Throws a refusal for a path that names none of them, and for a log that is not open here. */
export async function askedLog<Log extends Named>(
  line: AskedLine<Log>,
  request: FastifyRequest,
): Promise<Log> {
  const { shard } = (request.params ?? {}) as { readonly shard?: string }
  if (shard === undefined) return logAtHost(line, request.host)
  const found = await logOfOrigin(line, shard)
  if (found === undefined) throw new RekorV2Refusal(404, 'notFound', 'Not Found')
  return found
}

/** Throws a refusal for a log that is not open here. */
export async function logOfOrigin<Log extends Named>(
  line: AskedLine<Log>,
  origin: string,
): Promise<Log | undefined> {
  const found = line.logs().find(({ log }) => log.origin === origin)
  if (found === undefined) refuseUnopened(await line.unopened.now(), origin)
  return found
}

/**
 * The log of that name; by any other, such as the address of this machine, the first, as it was before others followed. Throws a refusal
 * for a log that is not open here: what is written for it must not go into the first.
 */
export async function logAtHost<Log extends Named>(line: AskedLine<Log>, host: string): Promise<Log> {
  const named = logNamed(line.logs(), host)
  if (named !== undefined) return named
  const name = nameOf(host)
  refuseUnopened(isOfMachine(name) ? line.unopened.known() : await line.unopened.now(), name)
  return logNamed(line.logs(), host) ?? line.logs()[0]
}

/** For answers that are kept: hosts of one site ask the same log. `undefined` where {@link logAtHost} has to be asked each time. */
export function siteAt<Log extends Named>(
  { logs, unopened }: AskedLine<Log>,
  host: string,
): string | undefined {
  const named = logNamed(logs(), host)
  if (named !== undefined) return named.log.origin
  const name = nameOf(host)
  return isOfMachine(name) && findNamed(unopened.known(), name) === undefined ? '' : undefined
}

/**
 * Whether the machine is asked rather than a log by its name, though one may have an address for its name: what was known a second ago is
 * good enough, and a question to the database each time would cost more than the answer.
 */
function isOfMachine(name: string): boolean {
  return isIP(name) !== 0 || name === 'localhost'
}

export function logNamed<Log extends Named>(logs: readonly Log[], host: string): Log | undefined {
  const name = nameOf(host)
  return logs.find(({ log }) => log.origin.toLowerCase() === name)
}

function refuseUnopened(unopened: readonly PlacedLog[], name: string): void {
  const asked = findNamed(unopened, name)
  if (asked !== undefined)
    throw new RekorV2Refusal(503, 'unavailable', notOpenHere(asked), { retryAfterSeconds: 1 })
}

function findNamed(unopened: readonly PlacedLog[], name: string): PlacedLog | undefined {
  return unopened.find(({ origin }) => origin.toLowerCase() === name)
}

/** Of `log.example.org:443`, `log.example.org.` or `[::1]:3003`: without port, the dot of the root, and brackets. */
function nameOf(host: string): string {
  const [, address, name = ''] = /^(?:\[([^\]]*)\]|([^:]*?)\.?)(?::[0-9]*)?$/.exec(host) ?? []
  return (address ?? name).toLowerCase()
}
