import { generateKeyPairSync, sign } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { answerChecks, digest, lendCheckThread, parsePublicKey, verifyDigest } from '@sigstack/crypto'
import t from 'tap'
import type { EcdsaCheck } from '../src/verify-digest/ecdsa-backend.ts'
import { type CheckThread, gatherChecks, verifyPacked } from '../src/verify-digest/gathered-checks.ts'

type Message = { readonly checks: readonly EcdsaCheck[]; answer(): Promise<void>; fail(): void }

/** A thread whose messages are answered by the test: the checks with an even first byte of the digest hold. */
function standIn() {
  const messages: Message[] = []
  let underWay = 0
  const state = { isReady: true, asked: 0, answers: (good: Uint8Array) => good }
  const thread: CheckThread = {
    isReady: () => {
      state.asked++
      return state.isReady
    },
    depth: () => underWay,
    verify: async (packed) => {
      underWay++
      const checks: EcdsaCheck[] = []
      const good = await verifyPacked(packed, async (check) => {
        checks.push(check)
        return holds(check)
      })
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
      messages.push({
        checks,
        answer: async () => {
          underWay--
          resolve(state.answers(good))
          await turn()
        },
        fail: () => {
          underWay--
          reject(new Error('broke off'))
        },
      })
      return promise
    },
  }
  const here: EcdsaCheck[] = []
  const verify = gatherChecks(async (check) => {
    here.push(check)
    return holds(check)
  }, thread)
  return { verify, messages, here, state }
}

const holds = ({ digest }: EcdsaCheck) => (digest[0] ?? 0) % 2 === 0

function checkOf(number: number, more: Partial<EcdsaCheck> = {}): EcdsaCheck {
  return {
    curve: 'P-256',
    point: new Uint8Array(65).fill(number),
    digest: new Uint8Array(32).fill(number),
    signature: new Uint8Array(64 + (number % 9)).fill(number),
    ...more,
  }
}

t.test('a few that come alone are done where they are, without a thread', async (t) => {
  const { verify, messages, here, state } = standIn()
  t.equal(await verify(checkOf(2)), true)
  const few = Array.from({ length: 4 }, (_, at) => checkOf(at))
  t.same(await Promise.all(few.map(verify)), few.map(holds))
  t.equal(here.length, 5)
  t.equal(messages.length, 0)
  t.equal(state.asked, 0, 'and none is started')
})

t.test('five of one turn are worth a message', async (t) => {
  const { verify, messages, here } = standIn()
  const answers = Promise.all(Array.from({ length: 5 }, (_, at) => verify(checkOf(at))))
  await turn()
  t.equal(messages.length, 1)
  await messages[0]?.answer()
  t.same(await answers, [true, false, true, false, true])
  t.equal(here.length, 0)
})

t.test('those of one turn go together, and each gets its answer', async (t) => {
  const { verify, messages, here } = standIn()
  const checks = Array.from({ length: 9 }, (_, at) => checkOf(at))
  const answers = Promise.all(checks.map(verify))
  await turn()
  t.equal(messages.length, 1)
  t.same(messages[0]?.checks, checks, 'the thread gets what was to be checked')
  await messages[0]?.answer()
  t.same(await answers, checks.map(holds))
  t.equal(here.length, 0)
})

t.test('one message is under way at a time, and what comes meanwhile is gathered', async (t) => {
  const { verify, messages, here } = standIn()
  const first = Promise.all(Array.from({ length: 40 }, (_, at) => verify(checkOf(at))))
  await turn()
  const late = verify(checkOf(8))
  await turn()
  t.equal(messages.length, 1)
  await messages[0]?.answer()
  await messages[1]?.answer()
  t.same(
    messages.map(({ checks }) => checks.length),
    [32, 9],
    'the rest goes with the one that came later',
  )
  t.same(
    await first,
    Array.from({ length: 40 }, (_, at) => at % 2 === 0),
  )
  t.equal(await late, true)
  t.equal(here.length, 0)
  t.equal(await verify(checkOf(5)), false)
  t.equal(here.length, 1, 'and then one that is alone is done here again')
})

t.test('what a thread does not answer is done here', async (t) => {
  const { verify, messages, here, state } = standIn()
  const numbers = [2, 3, 4, 5, 6]
  const expected = [true, false, true, false, true]
  const some = () => Promise.all(numbers.map((number) => verify(checkOf(number))))
  state.isReady = false
  t.same(await some(), expected, 'while it starts')
  t.equal(messages.length, 0)
  state.isReady = true
  const broken = some()
  await turn()
  messages[0]?.fail()
  t.same(await broken, expected, 'where it breaks off')
  state.answers = (good) => good.subarray(1)
  const short = some()
  await turn()
  await messages[1]?.answer()
  t.same(await short, expected, 'where answers are missing')
  t.equal(here.length, 15)
})

t.test('only P-256 over SHA-256 is sent', async (t) => {
  const { verify, messages, here } = standIn()
  const others = [
    checkOf(2, { curve: 'P-384' }),
    checkOf(2, { digest: new Uint8Array(48).fill(2) }),
    checkOf(2, { signature: new Uint8Array(73) }),
  ]
  t.same(await Promise.all(others.map(verify)), [true, true, true])
  t.same(here, others)
  t.equal(messages.length, 0)
})

t.test('real signatures, by way of a thread and without', async (t) => {
  let messages = 0
  const verify = async (packed: Uint8Array) => {
    messages++
    return answerChecks(packed)
  }
  await lendCheckThread({ isReady: () => true, depth: () => 0, verify })
  t.teardown(() => lendCheckThread(undefined))
  const message = Buffer.from('the artifact')
  const sha256 = digest('sha256', message)
  const keys = Array.from({ length: 8 }, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }))
  const all = () =>
    Promise.all(
      keys.map(({ publicKey, privateKey }, at) => {
        const signature = sign('sha256', at % 2 === 0 ? message : Buffer.from('another'), privateKey)
        const spki = publicKey.export({ format: 'der', type: 'spki' })
        return verifyDigest(parsePublicKey(spki), 'sha256', sha256, signature)
      }),
    )
  const expected = keys.map((_, at) => at % 2 === 0)
  t.same(await all(), expected)
  t.equal(messages, 1)
  await lendCheckThread(undefined)
  t.same(await all(), expected)
  t.equal(messages, 1, 'what was lent is back')
})
