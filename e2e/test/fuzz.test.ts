import t from 'tap'
import { fuzz } from '../fuzz/fuzz.ts'
import { makeInput } from '../fuzz/make-input.ts'
import { createTargets } from '../fuzz/targets.ts'

t.setTimeout(600_000)

// The shortest form: each target once. `npm run fuzz` goes on for ten minutes.
t.test('changed inputs are taken or refused by every decoder, in bounded time', async (t) => {
  const targets = await createTargets()
  const { findings, inputs, accepted } = await fuzz({ targets, run: 20_260_807, durationMs: 0 })
  t.same(findings, [])
  for (const { name } of targets) t.ok((inputs[name] ?? 0) >= 40, `${name}: ${inputs[name]} inputs`)
  const taken = Object.values(accepted).reduce((a, b) => a + b, 0)
  t.ok(taken > 100, `${taken} changed inputs are still good ones`)
})

t.test('good inputs are taken, and a seed gives the same input again', async (t) => {
  for (const target of await createTargets()) {
    if (target.name === 'public-key-der') continue // its seeds are weak on purpose
    let taken = 0
    for (const seed of target.seeds) {
      try {
        await target.run(seed)
        taken++
      } catch (error) {
        const name = error instanceof Error ? error.name : ''
        t.ok(target.refusals.includes(name), `${target.name}: ${name}`)
      }
    }
    t.ok(taken > 0, `${target.name}: ${taken} of ${target.seeds.length} seeds taken`)
    t.same(makeInput({ ...target, form: 'bytes' }, 5), makeInput({ ...target, form: 'bytes' }, 5))
  }
})
