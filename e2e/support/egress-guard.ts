/** A proxy that refuses everything and remembers what was asked for: proof that no client needs more than this machine. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type EgressGuard = {
  /** Hosts in the order they were asked for; it grows. */
  readonly asked: readonly string[]
  /** Sends every request that leaves the loopback here. */
  readonly environment: Readonly<Record<string, string>>
  stop(): Promise<void>
}

export async function startEgressGuard(): Promise<EgressGuard> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? 'an unnamed host')
    response.writeHead(403).end('nothing outside this machine is needed\n')
  })
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? 'an unnamed host')
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const loopback = '127.0.0.1,localhost'
  return {
    asked,
    environment: {
      HTTP_PROXY: url,
      HTTPS_PROXY: url,
      http_proxy: url,
      https_proxy: url,
      NO_PROXY: loopback,
      no_proxy: loopback,
      NODE_USE_ENV_PROXY: '1',
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
