import t from 'tap'
import { isLoopback, isWildcard } from '../src/index.ts'

t.test('only what leads to this machine alone is loopback', async (t) => {
  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '[::1]',
    '::ffff:127.0.0.1',
    'localhost',
    'LOCALHOST.',
  ])
    t.ok(isLoopback(host), host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', 'example.org', ''])
    t.notOk(isLoopback(host), host)
  t.notOk(isLoopback('localhost.example.org'))
  t.notOk(isLoopback('127.0.0.1.example.org'))
})

t.test('wildcards are told in every notation', async (t) => {
  for (const host of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0']) t.ok(isWildcard(host), host)
  for (const host of ['127.0.0.1', '::1', 'example.org']) t.notOk(isWildcard(host), host)
})
