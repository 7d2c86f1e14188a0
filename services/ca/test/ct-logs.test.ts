/** Several CT logs: certificates go to the first that takes them, and none is refused because one log is at its end. */
import { X509Certificate } from 'node:crypto'
import { keyFingerprint, toBase64, toHex } from '@sigstack/crypto'
import { parseSctList } from '@sigstack/ct'
import { embeddedScts } from '@sigstack/x509'
import t, { type Test } from 'tap'
import { createCtLogs } from '../src/adapters/ct-logs.ts'
import { createReadiness } from '../src/readiness.ts'
import type { StandInCtLog } from './support/ct-log.ts'
import {
  certificatesOf,
  createClientKey,
  emailToken,
  type HarnessOptions,
  postV2,
  startHarness,
  v2Body,
} from './support/harness.ts'

async function startWithTwo(t: Test, options: HarnessOptions = {}) {
  const clock = { ms: 0 }
  const harness = await startHarness({ otherCtLogs: 1, nowMs: () => clock.ms, ...options })
  t.teardown(() => harness.stop())
  const body = v2Body(await emailToken(harness), createClientKey())
  const [second] = harness.otherCtLogs
  return { harness, clock, apply: () => postV2(harness, body), first: harness.ctLog, second: second! }
}

const logIdOf = ({ publicKey }: StandInCtLog) => toHex(keyFingerprint(publicKey))

/** Which log promised to keep the certificate of an answer. */
function promiserOf(answer: Awaited<ReturnType<typeof postV2>>): string {
  const leaf = new X509Certificate(certificatesOf(answer)[0]!).raw
  const [sct] = parseSctList(embeddedScts(leaf)!)
  return toHex(sct!.logId)
}

t.test('a log that is frozen in mid-load costs nobody a certificate, and is left alone', async (t) => {
  const { harness, clock, apply, first, second } = await startWithTwo(t)
  let asked = 0
  const promisers: string[] = []
  const work = async () => {
    while (asked < 60) {
      asked++
      if (asked === 20) first.mode = 'closed'
      const answer = await apply()
      t.equal(answer.statusCode, 200)
      promisers.push(promiserOf(answer))
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
  t.same(new Set(promisers), new Set([first, second].map(logIdOf)), 'both have promised')
  t.equal(promisers.length, 60)

  const { requests } = first
  for (let at = 0; at < 3; at++) t.equal(promiserOf(await apply()), logIdOf(second))
  t.equal(first.requests, requests, 'one that takes nothing is not asked again')
  const ids = [first, second].map(({ publicKey }) => toBase64(keyFingerprint(publicKey)))
  t.same(harness.ctLogs.states(), [
    { logId: ids[0], isCurrent: false, rest: 'closed' },
    { logId: ids[1], isCurrent: true, rest: undefined },
  ])
  const metrics = await harness.metricsText()
  t.ok(metrics.includes(`ca_ct_log_current{log_id="${ids[0]}"} 0`), metrics)
  t.ok(metrics.includes(`ca_ct_log_current{log_id="${ids[1]}"} 1`))
  t.ok(metrics.includes(`ca_ct_log_resting{log_id="${ids[0]}"} 1`))

  // A minute later one certificate looks, and finds it as it was.
  clock.ms += 60_000
  t.same((await Promise.all([apply(), apply(), apply()])).map(promiserOf), Array(3).fill(logIdOf(second)))
  t.equal(first.requests, requests + 1)
  clock.ms += 60_000
  first.mode = 'good'
  await apply()
  t.equal(promiserOf(await apply()), logIdOf(first), 'opened again, it comes first')
})

t.test('a log that hangs holds up those who met it, and the next ones go to the other', async (t) => {
  const { clock, apply, first, second } = await startWithTwo(t, { totalTimeoutMs: 800 })
  first.mode = 'hangs'
  t.equal(promiserOf(await apply()), logIdOf(second))
  const { requests } = first
  t.equal(promiserOf(await apply()), logIdOf(second))
  t.equal(first.requests, requests)

  clock.ms += 60_000
  const answers = await Promise.all([apply(), apply(), apply(), apply()])
  t.same(answers.map(promiserOf), Array(4).fill(logIdOf(second)))
  t.equal(first.requests, requests + 1, 'one has looked')

  second.mode = 'closed'
  first.mode = 'good'
  t.equal(promiserOf(await apply()), logIdOf(first), 'where no other is left it is asked all the same')
})

t.test('what one log refuses goes to the next, and the log goes on for others', async (t) => {
  const { apply, first, second } = await startWithTwo(t)
  first.mode = 'refuses'
  t.equal(promiserOf(await apply()), logIdOf(second))
  first.mode = 'good'
  t.equal(promiserOf(await apply()), logIdOf(first))
})

t.test('a promise counts by the key of the log that gave it, not by that of another', async (t) => {
  const swapped = await startHarness({ otherCtLogs: 1 })
  t.teardown(() => swapped.stop())
  const [second] = swapped.otherCtLogs
  const logs = createCtLogs({
    places: () => [
      { url: swapped.ctLog.url, publicKey: second!.publicKey },
      { url: second!.url, publicKey: swapped.ctLog.publicKey },
    ],
  })
  t.teardown(() => logs.close())
  const { publicKey } = await logs.addPreChain(await precertificateFrom(swapped), swapped.authority.chain)
  t.equal(publicKey, second!.publicKey, 'of the place that was asked')
  const harness = await startHarness({
    change: (plain) => ({ ...plain, ctLog: logs }),
    authority: swapped.authority,
  })
  t.teardown(() => harness.stop())
  const answer = await postV2(harness, v2Body(await emailToken(harness), createClientKey()))
  t.equal(answer.statusCode, 503)
  t.match(harness.logLines.join(''), /the SCT of the CT log does not verify with its public key/)
})

t.test('ready is a CA as long as one log takes certificates', async (t) => {
  const { harness, clock, apply, first, second } = await startWithTwo(t)
  const ready = createReadiness({
    authority: () => harness.authority,
    ctLog: harness.ctLogs,
    proxy: { probe: async () => {} },
    now: () => new Date(),
  })
  const idOf = ({ publicKey }: StandInCtLog) => toBase64(keyFingerprint(publicKey))
  t.match(await ready(), { ready: true, checks: { ctLog: 'ok', ctLogCurrent: idOf(first) } })
  first.mode = 'unavailable_for_long'
  t.match(await ready(), { ready: true, checks: { ctLog: 'ok' } })
  first.mode = 'closed'
  t.equal((await apply()).statusCode, 200)
  t.match(await ready(), { ready: true, checks: { ctLog: 'ok', ctLogCurrent: idOf(second) } })
  second.mode = 'closed'
  t.equal((await apply()).statusCode, 503)
  t.match(await ready(), { ready: false, checks: { ctLog: 'unreachable' } })
  const { requests } = first
  second.mode = 'good'
  t.equal(promiserOf(await apply()), logIdOf(second), 'where no log is left, those that rest are asked')
  t.equal(first.requests, requests + 1)
  t.match(await ready(), { ready: true })
  clock.ms += 60_000
  t.match(await ready(), { ready: true, checks: { ctLogCurrent: idOf(first) } })
})

/** One that a CA had logged. */
async function precertificateFrom(harness: Awaited<ReturnType<typeof startHarness>>): Promise<Uint8Array> {
  await postV2(harness, v2Body(await emailToken(harness), createClientKey()))
  return harness.ctLog.submissions[0]!
}
