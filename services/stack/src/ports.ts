/** Ports are looked at before anything is started, so that taken ones cost a sentence and not half a start. */
import { createServer } from 'node:net'
import { ServerError } from '@sigstack/server'
import { freePorts } from '@sigstack/server/free-ports'
import { type Ports, portNames, portVariables } from './config.ts'
import type { InsideService } from './public-urls.ts'

export type Wanted = {
  readonly ports: Ports
  /** Where each service listens; undefined: it is not started, and its port does not matter. */
  readonly hosts: Readonly<Record<keyof Ports, string | undefined>>
}

/** The ports to use: the wanted ones, and a free one for each 0. Throws one sentence that names every port that cannot be had. */
export async function choosePorts({ ports, hosts }: Wanted): Promise<Ports> {
  const chosen = { ...ports }
  const refused: Refused[] = []
  for (const name of portNames) {
    const host = hosts[name]
    if (host === undefined) continue
    const port = ports[name]
    const cause = await complaintOf(host, port)
    if (cause !== undefined) refused.push({ name, host, port, cause })
    else if (port === 0) [chosen[name] = 0] = await freePorts(1, host, Object.values(chosen))
  }
  if (refused.length > 0) throw refusal(refused)
  return chosen
}

/** Throws a sentence when nothing can listen there: before settings, which would only complain of what follows from it. */
export async function assertOwnAddress(host = ''): Promise<void> {
  const cause = host === '' ? undefined : await complaintOf(host.replace(/^\[(.*)\]$/, '$1'), 0)
  if (cause !== undefined && noAddress.has(cause.code ?? '')) throw noAddressOf(host, cause)
}

/** Free ports of loopback, for services whose front doors speak TLS: others than `ports`. */
export async function freeInsidePorts(
  host: string,
  ports: Ports,
): Promise<Readonly<Record<InsideService, number>>> {
  const [ca = 0, rekor = 0, rekorV2 = 0, ct = 0, trust = 0, tsa = 0, console = 0] = await freePorts(
    7,
    host,
    Object.values(ports),
  )
  return { ca, rekor, rekorV2, ct, trust, tsa, console }
}

function noAddressOf(host: string, cause: unknown): ServerError {
  return new ServerError(
    'address_unavailable',
    `${host} is no address of this machine, so nothing can listen there; SIGSTACK_HOST (--host) is the address to listen on, and SIGSTACK_PUBLIC_URL is how clients reach the stack, as through a proxy or by a name`,
    { cause },
  )
}

type Refused = {
  readonly name: keyof Ports
  readonly host: string
  readonly port: number
  readonly cause: NodeJS.ErrnoException
}

/** Why nothing can listen there, if so. */
function complaintOf(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', resolve)
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(undefined)))
  })
}

const noAddress = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'])

function refusal(refused: readonly Refused[]): unknown {
  const withCode = (code: string) => refused.filter(({ cause }) => cause.code === code)
  const [first] = refused
  const cause = first?.cause
  // First: a port of loopback that is taken besides is mended in vain.
  const nowhere = refused.find(({ cause }) => noAddress.has(cause.code ?? ''))
  if (nowhere !== undefined) return noAddressOf(nowhere.host, nowhere.cause)
  const taken = withCode('EADDRINUSE')
  if (taken.length > 0) {
    const one = taken.length === 1
    return new ServerError(
      'port_taken',
      `${listOf(taken)} ${one ? 'is' : 'are'} taken by another program (a stack that still runs?); stop it, or set ${variablesOf(taken)} to ${one ? 'another port' : 'other ports, or all of them by SIGSTACK_BASE_PORT'}`,
      { cause },
    )
  }
  const forbidden = withCode('EACCES')
  if (forbidden.length > 0)
    return new ServerError(
      'port_forbidden',
      `${listOf(forbidden)} ${forbidden.length === 1 ? 'is' : 'are'} not allowed to this user; set ${variablesOf(forbidden)} above 1023`,
      { cause },
    )
  return cause
}

/** `port 3000 on 127.0.0.1`, or `ports 3000, 5555 on 127.0.0.1`; services that listen elsewhere are told apart. */
function listOf(refused: readonly Refused[]): string {
  const hosts = [...new Set(refused.map(({ host }) => host))]
  return hosts
    .map((host) => {
      const ports = refused.filter((each) => each.host === host).map(({ port }) => port)
      return `${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')} on ${host}`
    })
    .join(' and ')
}

function variablesOf(refused: readonly Refused[]): string {
  return refused.map(({ name }) => portVariables[name]).join(', ')
}
