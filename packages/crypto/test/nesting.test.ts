import t from 'tap'
import { deepestJson, isDeeperThan, parseBoundedJson } from '../src/index.ts'

t.test('nesting is counted through lists and objects, and bytes have none', async (t) => {
  t.notOk(isDeeperThan('text', 0))
  t.ok(isDeeperThan([], 0))
  t.notOk(isDeeperThan([{ a: 1, b: 'text' }], 2))
  t.ok(isDeeperThan({ a: 1, b: [[]] }, 2))
  t.notOk(isDeeperThan(Buffer.alloc(1_000), 0))
})

t.test('JSON is parsed to the bound, and not beyond however deep it is', async (t) => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
  t.same(parseBoundedJson('{"a":[1]}'), { a: [1] })
  t.ok(parseBoundedJson(nested(deepestJson)))
  const tooDeep = { name: 'SyntaxError', message: 'the JSON is nested too deeply' }
  for (const depth of [deepestJson + 1, 100_000]) t.throws(() => parseBoundedJson(nested(depth)), tooDeep)
  // Said before anything is built: JSON.parse would complain of the end.
  t.throws(() => parseBoundedJson('{"a":['.repeat(deepestJson)), tooDeep)
  t.throws(() => parseBoundedJson('[1,'), { name: 'SyntaxError', message: /JSON/ })
  t.throws(() => parseBoundedJson('"['), { name: 'SyntaxError' })
})

t.test('brackets within texts are none', async (t) => {
  const brackets = '['.repeat(deepestJson + 1)
  for (const text of [brackets, `"${brackets}`, `\\${brackets}`, `\\"${brackets}"\\`, '\\\\', '"'])
    t.equal(parseBoundedJson(JSON.stringify(text)), text)
  const behind = `["\\\\",${brackets}`
  t.throws(() => parseBoundedJson(behind), { message: 'the JSON is nested too deeply' })
})
