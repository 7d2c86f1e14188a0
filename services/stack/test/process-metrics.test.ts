import '@sigstack/signers/few-rounds'
import { copyDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import t from 'tap'
import { readConfig } from '../src/config.ts'
import { startStack } from '../src/start-stack.ts'
import { anyPorts } from '../src/testing.ts'

t.setTimeout(300_000)

t.test('of the services in one process, one tells of the process', async (t) => {
  const folder = `${t.testdir()}/data`
  await copyDatabase(`${folder}/postgres`)
  const stack = await startStack(readConfig({ ...anyPorts, SIGSTACK_DATA: folder }), {
    logger: createLogger({ name: 'stack', level: 'silent' }),
  })
  t.teardown(() => stack.stop())
  const telling: string[] = []
  for (const [name, url] of Object.entries(stack.endpoints.services)) {
    const answer = await fetch(`${url}/metrics`)
    if (answer.ok && (await answer.text()).includes('\nprocess_resident_memory_bytes ')) telling.push(name)
  }
  t.same(telling, ['rekor'])
})
