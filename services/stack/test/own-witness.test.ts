import '@sigstack/signers/few-rounds'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseCheckpoint, parseWitnessPolicy, verifyLines } from '@sigstack/checkpoint'
import { copyDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import t from 'tap'
import { readConfig } from '../src/config.ts'
import { startStack } from '../src/start-stack.ts'
import { anyPorts } from '../src/testing.ts'

t.setTimeout(300_000)

t.test('a witness of the stack cosigns all its logs, from the first start on', async (t) => {
  const folder = `${t.testdir()}/data`
  await copyDatabase(`${folder}/postgres`)
  const config = readConfig({
    ...anyPorts,
    SIGSTACK_DATA: folder,
    SIGSTACK_WITNESS: 'own',
    LOG_WITNESS_REPUBLISH_SECONDS: '1',
  })
  const stack = await startStack(config, { logger: createLogger({ name: 'stack', level: 'silent' }) })
  t.teardown(() => stack.stop())
  const { witness, rekor, 'rekor-v2': rekorV2, ct } = stack.endpoints.services
  t.ok(witness)
  const [own] = parseWitnessPolicy(readFileSync(`${folder}/witness/policy`, 'utf8')).witnesses
  if (own === undefined) throw new Error('the policy names the witness')
  t.equal(own.url, witness)
  t.equal(own.key.name, 'witness.127.0.0.1')
  for (const log of [rekor, rekorV2, ct]) {
    // The first heads were shown to it before it knew the logs; the next are signed.
    let lines: Awaited<ReturnType<typeof verifyLines>> = []
    while (lines.length === 0) {
      await sleep(50)
      const checkpoint = parseCheckpoint(await (await fetch(`${log}/checkpoint`)).text())
      lines = await verifyLines(checkpoint, [own.key])
    }
    t.equal(lines[0]?.key, own.key)
  }
})
