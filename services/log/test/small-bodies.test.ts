import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { defaultClientAlgorithms } from '@sigstack/crypto'
import { verifyProposal } from '@sigstack/rekor-entries'
import t from 'tap'
import { openSmallBodies, type SmallBodyOptions } from '../src/verification/small-bodies.ts'
import { openThread } from '../src/verification/thread.ts'
import { entryVector, proposalFor } from './support.ts'

type Test = { teardown(action: () => unknown): unknown }

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }

function open(t: Test, options: Partial<SmallBodyOptions> = {}) {
  const bodies = openSmallBodies({ policy, ...options })
  t.teardown(() => bodies.stop())
  // A thread without work does not keep the process, and some tests wait for its end.
  const awake = setInterval(() => {}, 60_000)
  t.teardown(() => clearInterval(awake))
  const threads: Worker[] = []
  const spoke: Promise<unknown>[] = []
  const ended: Promise<unknown>[] = []
  const count = (worker: Worker) => {
    threads.push(worker)
    spoke.push(once(worker, 'message'))
    ended.push(once(worker, 'exit'))
  }
  process.on('worker', count)
  t.teardown(() => process.off('worker', count))
  /** Two that come together start the thread, and are not made to wait for it. */
  const startThread = async () => {
    const text = JSON.stringify(proposalFor('first'))
    await Promise.all([bodies.verify(text, 'a'), bodies.verify(text, 'b')])
    await spoke.at(-1)
  }
  return { ...bodies, threads, ended, startThread }
}

t.test('proposals that come together become what they become alone', async (t) => {
  const { verify, threads, startThread } = open(t)
  await startThread()
  let answers = 0
  threads[0]?.on('message', () => answers++)
  const proposals: unknown[] = [
    ...Array.from({ length: 40 }, (_, i) => proposalFor(`together ${i}`)),
    entryVector('derived/dsse.json').proposal,
    entryVector('derived/intoto-0.0.2-two-signers.json').proposal,
    { ...proposalFor('x'), apiVersion: '9.9.9' },
    {},
    null,
    ...Object.values(entryVector('derived/rejected.json')).flat().slice(0, 5),
  ]
  const together = await Promise.allSettled(
    proposals.map((proposal) => verify(JSON.stringify(proposal), 'a')),
  )
  t.equal(threads.length, 1)
  t.ok(answers > 1, 'the thread answered, in several messages')
  const alone = await Promise.allSettled(proposals.map((proposal) => verifyProposal(proposal, policy)))
  t.ok(alone.some(({ status }) => status === 'rejected'))
  for (const [at, expected] of alone.entries()) {
    const actual = together[at]
    t.equal(actual?.status, expected.status)
    if (actual?.status === 'fulfilled' && expected.status === 'fulfilled') {
      t.same(
        { ...actual.value, body: null, attestation: null },
        { ...expected.value, body: null, attestation: null },
      )
      t.ok(Buffer.from(actual.value?.body ?? []).equals(expected.value.body))
      t.same(textOf(actual.value?.attestation?.bytes), textOf(expected.value.attestation?.bytes))
    }
    if (actual?.status === 'rejected' && expected.status === 'rejected') {
      const { name, code, message, schemaFault } = expected.reason
      t.match(actual.reason, { name, code, message, schemaFault })
    }
  }
  t.strictSame(await Promise.all([verify('{', 'a'), verify('nonsense', 'a')]), [undefined, undefined])
})

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString()
}

t.test('one that comes alone needs no thread, and a thread without work ends', async (t) => {
  const { verify, threads, ended, startThread } = open(t, { restMs: 1 })
  const text = JSON.stringify(proposalFor('alone'))
  t.match(await verify(text, 'a'), { kind: 'hashedrekord' })
  t.equal(threads.length, 0)
  const rested = async () => {
    await startThread()
    await ended.at(-1)
  }
  await rested()
  await rested()
  t.equal(threads.length, 2)
})

t.test('more than may wait are told to come back, and so are those whose thread hangs', async (t) => {
  const text = JSON.stringify(proposalFor('many'))
  const few = open(t, { waitingLimit: 1 })
  const [one, two] = await Promise.allSettled([few.verify(text, 'a'), few.verify(text, 'b')])
  t.match([one, two], [{ status: 'fulfilled' }, { reason: { name: 'RekorLogError', code: 'queue_full' } }])
  t.match(await few.verify(text, 'a'), { kind: 'hashedrekord' }, 'whoever comes back is served')

  const hasty = openThread({ policy, startMs: 1 })
  t.teardown(() => hasty.stop())
  // Starting it takes longer.
  await t.rejects(hasty.run({ kind: 'texts', texts: [text] }), { name: 'RekorLogError', code: 'unavailable' })
})

t.test(
  'a small body that is verified on the thread that asks costs no more than is set either',
  async (t) => {
    const few = open(t, { policy: { ...policy, workLimit: 0 } })
    const text = JSON.stringify(proposalFor('dear'))
    await t.rejects(few.verify(text, 'a'), { name: 'EntryError', code: 'too_costly' })
  },
)

const hanging = { worker: new URL('./hanging-worker.ts', import.meta.url), timeoutMs: 2_000 }

t.test('a task that takes too long or breaks the thread fails alone', async (t) => {
  const thread = openThread({ policy, ...hanging })
  t.teardown(() => thread.stop())
  const run = (text: string) => thread.run({ kind: 'texts', texts: [text] })
  const tasks = ['a', 'hang', 'b', 'die', 'c'].map(run)
  const bytes = Uint8Array.from(Buffer.from('d'))
  tasks.push(thread.run({ kind: 'entry', bytes }, [bytes.buffer]))
  const outcomes = await Promise.allSettled(tasks)
  t.same(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
  t.match(outcomes[1], { reason: { name: 'RekorLogError', code: 'unavailable', message: /took too long/ } })
  t.match(outcomes[3], { reason: { name: 'RekorLogError', code: 'unavailable', message: /broke off/ } })
})

t.test('of those that go together only the one at fault fails', async (t) => {
  const bodies = openSmallBodies({ policy, ...hanging })
  t.teardown(() => bodies.stop())
  const long = 'x'.repeat(70_000)
  // The thread has to be there, or all would be verified without it.
  await bodies.verify(long, 'a')
  const texts = ['a', 'b', 'hang', 'c', 'd']
  const outcomes = await Promise.allSettled(texts.map((text) => bodies.verify(text, text)))
  t.same(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
  t.equal(await bodies.verify(long, 'a'), undefined, 'and others go on')
})
