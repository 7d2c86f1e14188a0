/** What a stack leaves behind: when it stops, and when it could not start. */
import '@sigstack/signers/few-rounds'
import { existsSync } from 'node:fs'
import { copyDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import t from 'tap'
import { readConfig, startStack } from '../src/index.ts'
import { anyPorts } from '../src/testing.ts'

t.setTimeout(300_000)

const logger = createLogger({ name: 'stack', level: 'silent' })
async function answers(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  )
}

t.test(
  'a start that fails half way takes down what it had started, and the next one finds all',
  async (t) => {
    const folder = `${t.testdir()}/data`
    await copyDatabase(`${folder}/postgres`)
    const environment = { ...anyPorts, SIGSTACK_DATA: folder, CONSOLE_ACCESS: 'oidc' }
    const running = `${folder}/postgres/cluster/postmaster.pid`
    const seen: string[] = []
    // Database, logs and proxy run when the CA looks for its key.
    const broken = { ...environment, CA_KEY: 'file:/nowhere/key.pem', CA_CHAIN_FILE: '/nowhere/chain.pem' }
    await t.rejects(
      startStack(readConfig(broken), {
        logger,
        onProgress: (message) => {
          seen.push(message)
          if (message === 'starting the services') t.ok(existsSync(running), 'the database runs by then')
        },
      }),
      { message: /\/nowhere\// },
    )
    t.ok(seen.includes('starting the services'))
    t.notOk(existsSync(running), 'the database is stopped')
    t.notOk(existsSync(`${folder}/endpoints.json`))

    const stack = await startStack(readConfig(environment), { logger })
    const urls = Object.values(stack.endpoints.services)
    t.equal(urls.length, 10)
    for (const url of urls) t.ok(await answers(url), url)
    t.ok(existsSync(stack.endpointsFile))
    const { console = '', 'dev-issuer': issuer = '' } = stack.endpoints.services
    const sent = await fetch(`${console}/auth/begin?issuer=0`, { redirect: 'manual' })
    t.ok(sent.headers.get('location')?.startsWith(`${issuer}/auth?`), 'people sign in at the trial issuer')

    await Promise.all([stack.stop(), stack.stop()])
    for (const url of urls) t.notOk(await answers(url), url)
    t.notOk(existsSync(stack.endpointsFile), 'nobody is sent to a stopped stack')
    t.notOk(existsSync(running))
    await t.resolves(stack.stop(), 'once more')
  },
)

t.test('a certificate that is not there is told before anything is made', async (t) => {
  const folder = `${t.testdir()}/data`
  const environment = { ...anyPorts, SIGSTACK_DATA: folder }
  const tls = { SIGSTACK_TLS_CERTIFICATE_FILE: '/nowhere.pem', SIGSTACK_TLS_KEY_FILE: '/nowhere.key' }
  await t.rejects(startStack(readConfig({ ...environment, ...tls }), { logger }), { message: /\/nowhere/ })
  t.notOk(existsSync(folder))
})

t.test('a signal during the start ends it at its next step, and takes down what runs', async (t) => {
  const folder = `${t.testdir()}/data`
  await copyDatabase(`${folder}/postgres`)
  const controller = new AbortController()
  const seen: string[] = []
  const starting = startStack(readConfig({ ...anyPorts, SIGSTACK_DATA: folder }), {
    logger,
    signal: controller.signal,
    onProgress: (message) => {
      seen.push(message)
      if (message === 'starting the services') controller.abort(new Error('asked to stop'))
    },
  })
  await t.rejects(starting, { message: 'asked to stop' })
  t.notOk(seen.includes('publishing trust'))
  t.notOk(existsSync(`${folder}/postgres/cluster/postmaster.pid`), 'the database is stopped')
  t.notOk(existsSync(`${folder}/endpoints.json`))
})
