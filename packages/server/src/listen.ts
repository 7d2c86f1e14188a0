import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { followConnections } from './end-connections.ts'
import { ServerError } from './errors.ts'
import { createPlainServer } from './plain-server.ts'

export type ListenOptions = {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** The environment variable that sets the port, named when the port cannot be had. */
  readonly portVariable: string
  /**
   * A second door in plain HTTP, on loopback, for services beside this one in its process: their certificate may name
   * another host than the one they reach it by.
   */
  readonly inside?: InsideDoor
}

export type InsideDoor = { readonly host: string; readonly port: number }

export type Listening = { readonly url: string; readonly port: number }

/** Throws a {@link ServerError} with one sentence when the address cannot be listened on. */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<Listening> {
  try {
    if (options.inside !== undefined) await openInside(app, options.inside)
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    throw asListenError(error, options)
  }
  const { port } = app.server.address() as AddressInfo
  const secure = 'setSecureContext' in app.server
  return { url: urlOf(options.host, port, secure ? 'https' : 'http'), port }
}

export function urlOf(host: string, port: number, scheme: 'http' | 'https' = 'http'): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

async function openInside(app: FastifyInstance, { host, port }: InsideDoor): Promise<void> {
  const server = createPlainServer((request, response) => app.routing(request, response))
  const connections = followConnections(server)
  app.addHook('onClose', async () => {
    connections.end()
    await new Promise((resolve) => server.close(resolve))
  })
  await app.ready()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  })
}

export function asListenError(error: unknown, { host, port, portVariable }: ListenOptions): unknown {
  const cause = error as NodeJS.ErrnoException
  switch (cause.code) {
    case 'EADDRINUSE':
      return new ServerError(
        'port_taken',
        `port ${port} on ${host} is taken by another program; set ${portVariable} to another port`,
        { cause },
      )
    case 'EACCES':
      return new ServerError(
        'port_forbidden',
        `this user may not listen on port ${port} on ${host}; set ${portVariable} to a port above 1023`,
        { cause },
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ServerError('address_unavailable', `${host} is no address of this machine to listen on`, {
        cause,
      })
    default:
      return error
  }
}
