/** Ports are looked at before anything is started, so that a taken one costs a sentence and not half a start. */
import { type AddressInfo, createServer } from 'node:net'
import { ServerError } from '@sigstack/server'
import { type Ports, portVariables } from './config.ts'

/** The ports to use: the wanted ones, and a free one for each 0. Throws `port_taken` or `port_forbidden`. */
export async function choosePorts(host: string, wanted: Ports): Promise<Ports> {
  const chosen = { ...wanted }
  for (const name of Object.keys(portVariables) as (keyof Ports)[]) {
    chosen[name] = await tryPort(host, wanted[name], portVariables[name])
  }
  return chosen
}

function tryPort(host: string, port: number, variable: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause: NodeJS.ErrnoException) => reject(refusal(cause, host, port, variable)))
    probe.listen({ host, port, exclusive: true }, () => {
      const address = probe.address() as AddressInfo
      probe.close(() => resolve(address.port))
    })
  })
}

function refusal(cause: NodeJS.ErrnoException, host: string, port: number, variable: string): unknown {
  if (cause.code === 'EADDRINUSE') {
    return new ServerError(
      'port_taken',
      `port ${port} on ${host} is taken by another program (a stack that still runs?); stop it, or set ${variable} to another port`,
      { cause },
    )
  }
  if (cause.code === 'EACCES') {
    return new ServerError(
      'port_forbidden',
      `port ${port} is not allowed to this user; set ${variable} to one above 1023`,
      {
        cause,
      },
    )
  }
  return cause
}
