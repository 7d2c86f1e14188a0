import t from 'tap'
import { inStep } from '../src/in-step.ts'

t.test('looks of all intervals fall together, and end when they are told to', (t) => {
  const { now } = performance
  let ms = 600_700
  performance.now = () => ms
  const timers: { run: () => void; at: number }[] = []
  const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis
  globalThis.setTimeout = ((run: () => void, wait: number) => {
    const timer = { run, at: ms + wait, unref: () => timer }
    timers.push(timer)
    return timer
  }) as unknown as typeof setTimeout
  globalThis.clearTimeout = (timer: unknown) => {
    timers.splice(0, timers.length, ...timers.filter((one) => one !== timer))
  }
  t.teardown(() => {
    performance.now = now
    Object.assign(globalThis, { setTimeout: realSetTimeout, clearTimeout: realClearTimeout })
  })
  const looks: string[] = []
  const begin = (seconds: number) =>
    inStep(seconds * 1_000, () => looks.push(`${seconds} at ${Math.round(ms / 1_000)}`))
  /** @param early Milliseconds by which the timer is too soon. */
  const fire = (early = 0) => {
    t.equal(timers.length, 1, 'one timer for all')
    const [timer] = timers.splice(0)
    ms = (timer?.at ?? 0) - early
    timer?.run()
  }

  const stops = [begin(5), begin(10)]
  fire()
  fire(0.6)
  ms += 300
  stops.push(begin(1))
  fire()
  fire(0.9)
  stops[2]?.()
  fire()
  t.same(looks, ['5 at 605', '5 at 610', '10 at 610', '1 at 611', '1 at 612', '5 at 615'])
  ms += 60_000
  fire()
  stops[0]?.()
  stops[1]?.()
  t.same(timers, [], 'no timer without work')
  t.end()
})
