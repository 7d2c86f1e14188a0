import t from 'tap'
import { createDelivery, type RefusedOutcome } from '../src/events/deliver.ts'
import { EventsError, type EventsErrorCode } from '../src/events/errors.ts'
import type { NewEntryEvent } from '../src/events/event.ts'

const event = (id: string, size = 10): NewEntryEvent => ({
  id,
  json: `${id}:${'x'.repeat(size)}`,
  bareJson: `${id}!`,
})
const events = (...ids: string[]) => ids.map((id) => event(id))
const never = new AbortController().signal

/** A receiver that answers each event, whole (`a:…`) or bare (`a!`), as it is told to, and a list as the worst of its parts. */
function receiver(answers: Readonly<Record<string, EventsErrorCode>>, newest = 'z') {
  const taken: string[] = []
  const outcomes: [string, RefusedOutcome][] = []
  let sendings = 0
  const open = (atOnce: number) =>
    createDelivery({
      atOnce,
      send: async (some) => {
        sendings++
        for (const { json } of some) {
          const code = answers[json.slice(0, 2)] ?? answers['*']
          if (code !== undefined) throw new EventsError(code, `${json.slice(0, 2)} ${code}`)
        }
        taken.push(...some.map(({ json }) => json.slice(0, 2)))
      },
      newest: async () => event(newest),
      onRefused: ({ id }, outcome) => outcomes.push([id, outcome]),
    })
  return { taken, outcomes, open, sendings: () => sendings }
}

t.test('what is refused goes without its data, and those after it as they are', async (t) => {
  for (const atOnce of [1, 2, 10]) {
    const { taken, outcomes, open } = receiver({ 'b:': 'refused', 'd:': 'turned_away' })
    await open(atOnce)(events('a', 'b', 'c', 'd', 'e'), never, 0)
    t.same(taken, ['a:', 'b!', 'c:', 'd!', 'e:'], `${atOnce} at once`)
    t.same(outcomes, [
      ['b', 'without_data'],
      ['d', 'without_data'],
    ])
  }
})

t.test('what is refused without its data too is passed over', async (t) => {
  const { taken, outcomes, open } = receiver({
    'a:': 'refused',
    'a!': 'refused',
    'c:': 'refused',
    'c!': 'refused',
  })
  await open(10)(events('a', 'b', 'c'), never, 0)
  t.same(taken, ['b:'])
  t.same(outcomes, [
    ['a', 'passed_over'],
    ['c', 'passed_over'],
  ])
})

t.test('a receiver that is away or busy is waited for', async (t) => {
  const { taken, outcomes, open } = receiver({ 'b:': 'not_taken' })
  await t.rejects(open(1)(events('a', 'b', 'c'), never, 100), { code: 'not_taken' })
  t.same(taken, ['a:'])
  t.same(outcomes, [])
})

t.test('one that turns everything away loses nothing, and is not asked for everything', async (t) => {
  const { taken, outcomes, open, sendings } = receiver({ '*': 'turned_away' })
  const many = Array.from({ length: 256 }, (_, i) => event(String.fromCodePoint(0x4e00 + i)))
  await t.rejects(open(256)(many, never, 100), { code: 'turned_away' })
  t.same([taken, outcomes], [[], []])
  t.ok(sendings() < 20, `${sendings()}`)
})

t.test('one that turns an event away and takes another is told of the others', async (t) => {
  const answers = {
    'a:': 'turned_away',
    'a!': 'turned_away',
    'b:': 'turned_away',
    'b!': 'turned_away',
  } as const
  const first = receiver(answers)
  await first.open(1)(events('c', 'a', 'd'), never, 0)
  t.same(first.taken, ['c:', 'd:'])
  t.same(first.outcomes, [['a', 'passed_over']])
  const alone = receiver(answers, 'a')
  await t.rejects(alone.open(1)(events('a'), never, 0), { code: 'turned_away' }, 'nothing to compare with')
  const behind = receiver(answers, 'z')
  await behind.open(1)(events('a', 'b'), never, 0)
  t.same(behind.taken, ['z:'], 'the newest was asked for, and comes again in its turn')
  t.same(behind.outcomes.length, 2)
})

t.test(
  'a large event that is never taken, whatever the reason, goes without its data after a while',
  async (t) => {
    const answers = { 'a:': 'not_taken' } as const
    const some = [event('b'), event('a', 70_000), event('c')]
    const { taken, outcomes, open } = receiver(answers)
    await t.rejects(open(1)(some, never, 2), { code: 'not_taken' })
    taken.length = 0
    await open(3)(some, never, 3)
    t.same(taken, ['b:', 'a!', 'c:'])
    t.same(outcomes, [['a', 'without_data']])
    const small = receiver(answers)
    await t.rejects(
      small.open(1)(events('a'), never, 100),
      { code: 'not_taken' },
      'a small one is waited for',
    )
  },
)

t.test('other faults are nobody else’s to judge', async (t) => {
  const delivery = (error: unknown) =>
    createDelivery({
      atOnce: 2,
      send: () => Promise.reject(error),
      newest: async () => undefined,
      onRefused: () => t.fail(),
    })
  for (const error of [new EventsError('turn_lost', 'lost'), new TypeError('ours')])
    await t.rejects(delivery(error)(events('a', 'b'), never, 100), error)
})
