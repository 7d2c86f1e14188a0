import { createServer } from 'node:net'
import t from 'tap'
import { freePorts } from '../src/free-ports.ts'

t.test(
  'free ports differ, can be listened on, and are none that the system gives away by itself',
  async (t) => {
    const ports = await freePorts(30)
    t.equal(new Set(ports).size, 30)
    t.ok(ports.every((port) => port > 10_080 && port < 32_768))
    for (const port of ports.slice(0, 3)) {
      const server = createServer().listen(port, '127.0.0.1')
      await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
      await new Promise((resolve) => server.close(resolve))
    }
  },
)

t.test('none of those that are taken already is given', async (t) => {
  const taken = Array.from({ length: 32_768 - 10_000 - 3_000 }, (_, i) => 10_000 + i)
  for (const port of await freePorts(5, '127.0.0.1', taken)) t.notOk(taken.includes(port))
})

t.test('an address of another machine is refused at once', async (t) => {
  await t.rejects(freePorts(1, '192.0.2.1'), { code: 'EADDRNOTAVAIL' })
})
