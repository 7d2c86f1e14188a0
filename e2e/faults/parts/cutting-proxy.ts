/**
 * A TCP proxy before PostgreSQL that understands just enough of its protocol to cut the connection of an append at its COMMIT, said or implied, or
 * to fall silent.
 */

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/**
 * `before`: the COMMIT never reaches the server. `during`: it is forwarded and the connection cut at once, so nobody knows. `after`: the
 * server has committed, and its answer is swallowed.
 */
export type Cut = 'before' | 'during' | 'after'

export type CuttingProxy = {
  /** The same database through the proxy. */
  readonly connectionString: string
  /** Cuts the next COMMIT of an append. Resolves when it is done. */
  cut(when: Cut): Promise<void>
  /** Nothing passes any more, in either direction, and no connection ends: a network that swallows packets. */
  silence(isSilent: boolean): void
  close(): void
}

/** A simple query message: type, length, text, zero. */
const commit = Buffer.from('Q\0\0\0\x0bcommit\0', 'latin1')
/** The name of the statement that writes a batch: a transaction with it is an append. */
const append = Buffer.from('log-write-batch', 'latin1')
/** That of the one which is a transaction of its own, and is done with the message behind it. */
const appendAtOnce = Buffer.from('log-write-at-once', 'latin1')
const sync = Buffer.from('S\0\0\0\x04', 'latin1')

export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const url = new URL(target)
  const socketFolder = url.searchParams.get('host')
  const destination =
    socketFolder === null
      ? { host: url.hostname, port: Number(url.port) }
      : { path: `${socketFolder}/.s.PGSQL.${url.port}` }
  const sockets = new Set<Socket>()
  let armed: { readonly when: Cut; readonly done: () => void } | undefined
  let silent = false

  const server = createServer((client) => {
    const upstream = connect(destination)
    let isAppend = false
    let isAtOnce = false
    let swallowing: (() => void) | undefined
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        swallowing?.()
        if (silent) return
        client.destroy()
        upstream.destroy()
      })
    }

    client.on('data', (chunk) => {
      if (silent) return
      isAppend ||= chunk.includes(append)
      isAtOnce ||= chunk.includes(appendAtOnce)
      const isDone = isAtOnce && chunk.subarray(-sync.length).equals(sync)
      const isCommit = chunk.includes(commit)
      const cut = isDone || (isCommit && isAppend) ? armed : undefined
      if (isCommit) isAppend = false
      if (isDone) isAtOnce = false
      if (cut === undefined) return void upstream.write(chunk)
      armed = undefined
      if (cut.when === 'before') {
        client.destroy()
        return cut.done()
      }
      if (cut.when === 'after') swallowing = cut.done
      upstream.write(chunk, () => {
        if (cut.when === 'after') return
        client.destroy()
        cut.done()
      })
    })
    upstream.on('data', (chunk) => {
      if (silent) return
      if (swallowing === undefined) return void client.write(chunk)
      client.destroy()
      swallowing()
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    connectionString: `postgresql://${url.username}:${url.password}@127.0.0.1:${port}${url.pathname}`,
    cut: (when) =>
      new Promise((done) => {
        armed = { when, done }
      }),
    silence: (isSilent) => {
      silent = isSilent
      // What was silent stays lost: real networks do not replay either.
      if (!isSilent) for (const socket of sockets) socket.destroy()
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
