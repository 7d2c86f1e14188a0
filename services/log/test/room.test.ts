import { setImmediate as turn } from 'node:timers/promises'
import type { Pool } from '@sigstack/postgres'
import t, { type Test } from 'tap'
import { watchRoom } from '../src/room.ts'

const full = Object.assign(new Error('could not extend file'), { code: '53100' })
const gone = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })

/** A database whose probes end as `be` says, each when `mood` of that moment settles. */
function watched(t: Test, mood: () => Promise<unknown>) {
  let probes = 0
  const client = {
    query: async (statement: unknown) => {
      if (String(statement).includes('spilled')) {
        probes++
        await mood()
      }
      return { rows: [], rowCount: null, command: String(statement).toUpperCase() }
    },
    release: () => {},
  }
  const pool = { connect: async () => client } as unknown as Pool
  const told: unknown[] = []
  const room = watchRoom(pool, (reason) => told.push(reason), 1)
  t.teardown(room.stop)
  async function untilProbed(more: number): Promise<void> {
    const wanted = probes + more
    while (probes < wanted) await turn()
  }
  return { room, told, untilProbed, probes: () => probes }
}

t.test('a batch without room is told once, until one that took some is committed', async (t) => {
  const { room, told } = watched(t, () => Promise.reject(full))
  room.refused(gone)
  t.notOk(room.isFull(), 'a database that is away is not full')
  room.refused(full)
  room.refused(full)
  t.ok(room.isFull())
  room.refused(gone)
  t.ok(room.isFull(), 'nor is it any less full')
  room.committed({ entries: 0 })
  t.ok(room.isFull(), 'entries that stood in the log already took none')
  room.committed({ entries: 1 })
  t.notOk(room.isFull())
  t.strictSame(told, [full, undefined])
})

t.test('without any writer a probe finds that there is room again', async (t) => {
  let mood = () => Promise.reject(full)
  const { room, told, untilProbed, probes } = watched(t, () => mood())
  room.refused(full)
  await untilProbed(2)
  t.ok(room.isFull(), 'probes that fail change nothing')
  mood = () => Promise.reject(gone)
  await untilProbed(2)
  t.ok(room.isFull(), 'nor do those that reach no database')
  mood = () => Promise.resolve(undefined as never)
  while (room.isFull()) await turn()
  t.strictSame(told, [full, undefined])
  await room.stop()
  const until = probes()
  room.committed({ entries: 1 })
  t.equal(probes(), until, 'nobody probes where there is room')
})

t.test('a probe that began before the last batch was refused proves nothing', async (t) => {
  let asked = Promise.withResolvers<void>()
  const { room, untilProbed } = watched(t, () => asked.promise)
  room.refused(full)
  await untilProbed(1)
  room.refused(full)
  const early = asked
  asked = Promise.withResolvers()
  early.resolve()
  await untilProbed(1)
  t.ok(room.isFull())
  asked.resolve()
  while (room.isFull()) await turn()
})
