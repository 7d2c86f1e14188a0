/** More applications than certificates can be made: what is begun is finished in time, and the others are told at once or in time. */
import { networkOf } from '@sigstack/limits'
import t, { type Test } from 'tap'
import type { CtLog } from '../src/issuance/dependencies.ts'
import { createTurns } from '../src/turns.ts'
import { createClientKey, emailToken, postV2, startHarness, v2Body } from './support/harness.ts'
import { until } from './support/until.ts'

/** Of requests that are injected. */
const asker = { network: networkOf('127.0.0.1'), isGone: () => false }

/** A CA that makes one certificate at a time while two may wait, and a CT log that answers when it is told to. */
async function startBusy(t: Test) {
  const clock = { ms: 0 }
  const turnstile = createTurns({ places: 1, queue: 4, longestWaitMs: 3_000, nowMs: () => clock.ms })
  const asked: PromiseWithResolvers<void>[] = []
  const slow = (log: CtLog): CtLog => ({
    ...log,
    addPreChain: async (precertificate, chain) => {
      const answer = Promise.withResolvers<void>()
      asked.push(answer)
      await answer.promise
      return log.addPreChain(precertificate, chain)
    },
  })
  const harness = await startHarness({
    turnstile,
    change: (plain) => ({ ...plain, ctLog: plain.ctLog && slow(plain.ctLog) }),
  })
  t.teardown(() => harness.stop())
  const body = v2Body(await emailToken(harness), createClientKey())
  const apply = () => postV2(harness, body)
  const begun = apply()
  await until(() => asked.length === 1)
  const waiting = [apply(), apply()]
  await until(() => !turnstile.isOpen(asker))
  return { harness, clock, asked, apply, begun, waiting }
}

t.test('beyond those who wait an application is refused before it is read', async (t) => {
  const { harness, asked, begun, waiting } = await startBusy(t)
  for (const url of ['/api/v2/signingCert', '/api/v1/signingCert']) {
    const refused = await harness.app.inject({ method: 'POST', url, payload: 'no message at all' })
    t.equal(refused.statusCode, 503, url)
    t.equal(refused.headers['retry-after'], '1')
    t.match(refused.json(), { code: 14, message: /^more certificates are asked for than can be made/ })
  }
  t.match(await harness.metricsText(), /ca_refusals_total\{reason="too_busy"\} 2/)
  for (const [at, application] of [begun, ...waiting].entries()) {
    await until(() => asked.length > at)
    asked[at]!.resolve()
    t.equal((await application).statusCode, 200, 'who was let in is answered')
  }
})

t.test('nothing is begun for who has waited too long, and the next is served', async (t) => {
  const { harness, clock, asked, apply, begun, waiting } = await startBusy(t)
  clock.ms += 3_001
  asked[0]!.resolve()
  t.equal((await begun).statusCode, 200)
  for (const refused of await Promise.all(waiting)) {
    t.equal(refused.statusCode, 503)
    t.equal(refused.headers['retry-after'], '1')
  }
  t.equal(asked.length, 1, 'the CT log was asked for the one that was begun')
  const signings = harness.logLines.filter((line) => line.includes('"what":"precertificate"'))
  t.equal(signings.length, 1, 'and so was the key of the CA')
  const next = apply()
  await until(() => asked.length === 2)
  asked[1]!.resolve()
  t.equal((await next).statusCode, 200)
})

t.test('who has no good token neither waits nor takes a turn', async (t) => {
  const turnstile = createTurns({ places: 1, queue: 1 })
  const held = Promise.withResolvers<void>()
  const holding = turnstile.pass({ network: 'another', isGone: () => false }, () => held.promise)
  const harness = await startHarness({ turnstile })
  t.teardown(() => harness.stop())
  const refused = await postV2(harness, v2Body('no token', createClientKey()))
  t.equal(refused.statusCode, 400)
  held.resolve()
  await holding
})
