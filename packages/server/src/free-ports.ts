/**
 * Ports for servers whose address must be known before they listen. Port 0 would be looked for where the system takes the ports of
 * outgoing connections from, any of which may take it before the server does.
 */
import { createServer, type Server } from 'node:net'
import { errorCode } from '@sigstack/crypto'

/**
 * Below what Linux (32768), macOS and Windows (49152) give to outgoing connections, above what has a name, and above 10080, the last one
 * that neither `fetch` nor a browser connects to (Fetch standard, port blocking).
 */
const lowest = 10_081
const highest = 32_767
const attempts = 200

/**
 * So many ports that nothing listens on now, all different and none of `taken`. Throws what listening throws where the host is none
 * of this machine.
 */
export async function freePorts(
  count: number,
  host = '127.0.0.1',
  taken: readonly number[] = [],
): Promise<readonly number[]> {
  const held: { readonly port: number; readonly server: Server }[] = []
  try {
    for (let attempt = 0; held.length < count; attempt++) {
      const port = lowest + Math.floor(Math.random() * (highest - lowest + 1))
      if (taken.includes(port)) continue
      try {
        held.push({ port, server: await listen(host, port) })
      } catch (error) {
        const code = errorCode(error)
        if (attempt >= attempts || (code !== 'EADDRINUSE' && code !== 'EACCES')) throw error
      }
    }
    return held.map(({ port }) => port)
  } finally {
    await Promise.all(held.map(({ server }) => new Promise((resolve) => server.close(resolve))))
  }
}

function listen(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => resolve(server))
  })
}
