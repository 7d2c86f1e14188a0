/** Where `log rollover` puts the key that comes next: where the log itself will look for it. */
import path from 'node:path'
import t from 'tap'
import { keysFolder } from '../src/commands/log/next-key.ts'
import type { Io } from '../src/io.ts'

const data = t.testdir({ stack: { keys: {} }, apart: {} })
const io = (environment: Record<string, string>) => ({ environment }) as unknown as Io
const apart = path.join(data, 'apart')
const stack = path.join(data, 'stack')

t.test('the keys of a log that runs apart lie where its settings say', async (t) => {
  const LOG_KEY = '/rekor/key.pem'
  const at = { SIGSTACK_DATA: apart, LOG_KEY }
  t.equal(keysFolder(io(at), {}), '/rekor')
  t.equal(keysFolder(io({ ...at, LOG_KEY: 'file:///rekor/a%20key.pem' }), {}), '/rekor')
  t.equal(keysFolder(io({ ...at, LOG_KEYS: '/later' }), {}), '/later')
  t.equal(keysFolder(io({ ...at, LOG_KEYS: '/later' }), { keys: '/said' }), '/said')
  const elsewhere = io({ ...at, LOG_KEY: 'pkcs11:object=log' })
  t.throws(() => keysFolder(elsewhere, {}), { code: 'bad_usage', message: /LOG_KEY is a URI/ })
  t.equal(keysFolder(elsewhere, { keys: '/said' }), '/said')
})

t.test('a stack in one process has later keys in its data folder, wherever the first one is', async (t) => {
  for (const LOG_KEY of ['/rekor/key.pem', 'pkcs11:object=log', ''])
    t.equal(keysFolder(io({ SIGSTACK_DATA: stack, LOG_KEY }), {}), path.join(stack, 'keys'))
  t.equal(keysFolder(io({ SIGSTACK_DATA: apart }), {}), path.join(apart, 'keys'))
  const named = keysFolder(io({ LOG_KEY: '/rekor/key.pem' }), { data: apart })
  t.equal(named, path.join(apart, 'keys'), 'a data folder that is named is meant')
})
