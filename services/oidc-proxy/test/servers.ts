/** Local HTTPS and HTTP servers that play the issuer. */
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

const vector = (name: string): string => readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8')
export const caCertificate = vector('ca.pem')

export async function serveHttps(
  t: Test,
  listener: RequestListener,
  host = '127.0.0.1',
  port = 0,
): Promise<number> {
  return listen(
    t,
    createHttpsServer({ key: vector('server.key'), cert: vector('server.pem') }, listener),
    host,
    port,
  )
}

export async function serveHttp(t: Test, listener: RequestListener): Promise<number> {
  return listen(t, createHttpServer(listener), '127.0.0.1', 0)
}

type Server = ReturnType<typeof createHttpServer> | ReturnType<typeof createHttpsServer>

async function listen(t: Test, server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
