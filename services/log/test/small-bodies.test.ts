import type { Worker } from 'node:worker_threads'
import { defaultClientAlgorithms } from '@sigstack/crypto'
import { verifyProposal } from '@sigstack/rekor-entries'
import t from 'tap'
import { openSmallBodies, type SmallBodyOptions } from '../src/verification/small-bodies.ts'
import { openThread } from '../src/verification/thread.ts'
import { jsonVector, proposalFor } from './support.ts'

type Test = { teardown(action: () => unknown): unknown }

const policy = { allowedAlgorithms: defaultClientAlgorithms }

function open(t: Test, options: Partial<SmallBodyOptions> = {}) {
  const bodies = openSmallBodies({ policy, ...options })
  t.teardown(() => bodies.stop())
  const threads: Worker[] = []
  const count = (worker: Worker) => threads.push(worker)
  process.on('worker', count)
  t.teardown(() => process.off('worker', count))
  /** Two that come together start the thread, and are not made to wait for it. */
  const startThread = async () => {
    const text = JSON.stringify(proposalFor('first'))
    await Promise.all([bodies.verify(text), bodies.verify(text)])
    await new Promise((resolve) => threads.at(-1)?.once('message', resolve))
  }
  return { ...bodies, threads, startThread }
}

t.test('proposals that come together become what they become alone', async (t) => {
  const { verify, threads, startThread } = open(t)
  await startThread()
  let answers = 0
  threads[0]?.on('message', () => answers++)
  const proposals: unknown[] = [
    ...Array.from({ length: 40 }, (_, i) => proposalFor(`together ${i}`)),
    jsonVector('rekor-v1/dsse.json').proposal,
    jsonVector('rekor-v1/intoto-0.0.2-two-signers.json').proposal,
    { ...proposalFor('x'), apiVersion: '9.9.9' },
    {},
    null,
    ...Object.values(jsonVector('rekor-v1/rejected.json')).flat().slice(0, 5),
  ]
  const together = await Promise.allSettled(proposals.map((proposal) => verify(JSON.stringify(proposal))))
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
  t.strictSame(await Promise.all([verify('{'), verify('nonsense')]), [undefined, undefined])
})

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString()
}

t.test('one that comes alone needs no thread, and a thread without work ends', async (t) => {
  const { verify, threads, startThread } = open(t, { restMs: 1 })
  const text = JSON.stringify(proposalFor('alone'))
  t.match(await verify(text), { kind: 'hashedrekord' })
  t.equal(threads.length, 0)
  const rested = async () => {
    await startThread()
    await new Promise((resolve) => threads.at(-1)?.once('exit', resolve))
  }
  await rested()
  await rested()
  t.equal(threads.length, 2)
})

t.test('more than may wait are told to come back, and so are those whose thread hangs', async (t) => {
  const text = JSON.stringify(proposalFor('many'))
  const few = open(t, { waitingLimit: 1 })
  const [one, two] = await Promise.allSettled([few.verify(text), few.verify(text)])
  t.match([one, two], [{ status: 'fulfilled' }, { reason: { name: 'LogError', code: 'queue_full' } }])
  t.match(await few.verify(text), { kind: 'hashedrekord' }, 'whoever comes back is served')

  const hasty = openThread({ policy, timeoutMs: 1 })
  t.teardown(() => hasty.stop())
  // Starting it takes longer.
  await t.rejects(hasty.run({ kind: 'texts', texts: [text] }), { name: 'LogError', code: 'unavailable' })
})
