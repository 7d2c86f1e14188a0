import t from 'tap'
import { createCleanups } from '../src/index.ts'

t.test('everything is closed in the opposite order, whatever fails, and all failures are told', async (t) => {
  const cleanups = createCleanups()
  const closed: string[] = []
  const fail = (name: string) => async () => {
    closed.push(name)
    throw new Error(`${name} does not close`)
  }
  cleanups.add(async () => void closed.push('database'))
  cleanups.add(fail('pool'))
  cleanups.add(() => {
    closed.push('timer')
    throw new Error('timer does not close')
  })
  cleanups.add(async () => void closed.push('server'))
  const error: unknown = await cleanups.run().catch((cause: unknown) => cause)
  t.strictSame(closed, ['server', 'timer', 'pool', 'database'])
  t.type(error, AggregateError)
  t.match(error, {
    message: 'not all was stopped: timer does not close; pool does not close',
    errors: [{ message: 'timer does not close' }, { message: 'pool does not close' }],
  })
})

t.test('a second stop waits for the first, and tries again what failed', async (t) => {
  const cleanups = createCleanups()
  const closed: string[] = []
  let isStuck = true
  cleanups.add(async () => void closed.push('database'))
  cleanups.add(async () => {
    closed.push('pool')
    if (isStuck) throw new Error('stuck')
  })
  const [first, second] = await Promise.allSettled([cleanups.run(), cleanups.run()])
  t.equal(first?.status, 'rejected')
  t.equal(second?.status, 'rejected')
  t.strictSame(closed, ['pool', 'database'])
  isStuck = false
  await cleanups.run()
  t.strictSame(closed, ['pool', 'database', 'pool'])
  await cleanups.run()
  t.equal(closed.length, 3)
})

t.test('one that hangs holds up the others for a while only', async (t) => {
  const cleanups = createCleanups({ limitMs: 10 })
  const closed: string[] = []
  cleanups.add(() => void closed.push('database'))
  cleanups.add(() => new Promise(() => {}))
  await t.rejects(cleanups.run(), { errors: [{ name: 'ServerError', code: 'stop_timed_out' }] })
  t.strictSame(closed, ['database'])
})

t.test('what is added while they run is run too', async (t) => {
  const cleanups = createCleanups()
  const closed: string[] = []
  cleanups.add(() => void closed.push('first'))
  cleanups.add(async () => {
    cleanups.add(() => void closed.push('late'))
  })
  await cleanups.run()
  t.strictSame(closed, ['late', 'first'])
})
