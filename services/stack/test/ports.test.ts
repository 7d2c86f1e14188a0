import { createServer } from 'node:net'
import t from 'tap'
import { assertOwnAddress, choosePorts } from '../src/ports.ts'

t.test('an address that is not of this machine is told before ports that are taken', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const taken = (other.address() as { port: number }).port
  const ports = {
    ca: 0,
    rekor: 0,
    rekorV2: 0,
    ct: 0,
    oidcProxy: taken,
    devIssuer: 0,
    trust: 0,
    tsa: 0,
    console: 0,
  }
  const nowhere = 'nonsense.invalid'
  const hosts = {
    ca: undefined,
    rekor: undefined,
    rekorV2: undefined,
    ct: undefined,
    oidcProxy: '127.0.0.1',
    devIssuer: undefined,
    trust: nowhere,
    tsa: undefined,
    console: undefined,
  }
  await t.rejects(assertOwnAddress(nowhere), { message: /is no address of this machine/ })
  for (const own of [undefined, '', '127.0.0.1', 'localhost']) await assertOwnAddress(own)
  await t.rejects(choosePorts({ ports, hosts }), {
    message: /^nonsense\.invalid is no address of this machine/,
  })
  await t.rejects(choosePorts({ ports, hosts: { ...hosts, trust: undefined } }), {
    message: /^port \d+ on 127\.0\.0\.1 is taken/,
  })
})
