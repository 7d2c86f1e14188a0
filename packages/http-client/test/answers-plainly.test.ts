import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net'
import t, { type Test } from 'tap'
import { answersPlainly, withoutConnections } from '../src/index.ts'

async function listen(t: Test, server: Server): Promise<URL> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

const usual = 20_000

t.test('a server of HTTP answers plainly, one of TLS does not', async (t) => {
  const asked: unknown[] = []
  t.equal(
    await answersPlainly(
      await listen(
        t,
        createServer((request) => asked.push(request)),
      ),
      usual,
    ),
    true,
  )
  t.same(asked, [], 'it is no request')
  const [key, cert] = [`${t.testdir()}/key`, `${t.testdirName}/cert`]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x']
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const tls = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) })
  t.equal(await answersPlainly(await listen(t, tls), usual), false)
})

t.test('whoever says nothing, or is not there, does not', async (t) => {
  const silent = createSocketServer((socket) => t.teardown(() => socket.destroy()))
  const silence = await listen(t, silent)
  t.equal(await answersPlainly(silence, 50), false)
  t.equal(await answersPlainly(silence, usual, AbortSignal.timeout(50)), false)
  const hangsUp = createSocketServer((socket) => socket.destroy())
  t.equal(await answersPlainly(await listen(t, hangsUp), usual), false)
  const gone = createSocketServer()
  const url = await listen(t, gone)
  await new Promise((resolve) => gone.close(resolve))
  t.equal(await answersPlainly(url, usual), false)
})

t.test('where no connection may be made, none is', async (t) => {
  const url = new URL('http://127.0.0.1:1')
  await t.rejects(
    withoutConnections(() => answersPlainly(url, usual)),
    { code: 'offline' },
  )
})
