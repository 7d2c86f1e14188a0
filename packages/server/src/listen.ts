import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { ServerError } from './errors.ts'

export type ListenOptions = {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** The environment variable that sets the port, named when the port cannot be had. */
  readonly portVariable: string
}

export type Listening = { readonly url: string; readonly port: number }

/** Throws a {@link ServerError} with one sentence when the address cannot be listened on. */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<Listening> {
  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    throw asListenError(error, options)
  }
  const { port } = app.server.address() as AddressInfo
  const url = urlOf(options.host, port)
  const secure = 'setSecureContext' in app.server
  return { url: secure ? url.replace('http:', 'https:') : url, port }
}

export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
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
