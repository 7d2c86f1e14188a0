import t from 'tap'
import { errorCode, isObject, memberAt, reasonOf } from '../src/index.ts'

t.test('whatever was thrown says something', async (t) => {
  t.equal(reasonOf(new RangeError('too far')), 'too far')
  t.equal(reasonOf(new Error('outer', { cause: new Error('inner') })), 'outer', 'its own words alone')
  t.equal(reasonOf('a text'), 'a text')
  t.equal(reasonOf(undefined), 'undefined')
  t.equal(reasonOf({ message: 'no error' }), '[object Object]')
})

t.test('a code is that of an error, and of nothing else', async (t) => {
  t.equal(errorCode(Object.assign(new Error('gone'), { code: 'ENOENT' })), 'ENOENT')
  t.equal(errorCode(new DOMException('too late', 'TimeoutError')), '23')
  t.equal(errorCode(Object.assign(new Error('none'), { code: undefined })), undefined)
  t.equal(errorCode(new Error('none')), undefined)
  for (const thrown of [{ code: 'ENOENT' }, 'ENOENT', null, undefined]) t.equal(errorCode(thrown), undefined)
})

t.test('an object has members with names', async (t) => {
  t.ok(isObject({}))
  t.ok(isObject(Object.create(null)))
  for (const value of [null, undefined, [], [{}], 'text', 1, true]) t.notOk(isObject(value))
})

t.test('members are read where they are, and are missing anywhere else', async (t) => {
  const value: unknown = JSON.parse('{"a":{"b":[{"c":1},null]},"__proto__":{"d":2},"e":null}')
  t.equal(memberAt(value), value)
  t.same(memberAt(value, 'a', 'b'), [{ c: 1 }, null])
  t.equal(memberAt(value, 'a', 'b', 0, 'c'), 1)
  t.equal(memberAt(value, 'e'), null)
  t.same(memberAt(value, '__proto__'), { d: 2 }, 'a member of the JSON')
  for (const path of [
    ['d'],
    ['constructor'],
    ['a', 'toString'],
    ['e', 'f'],
    ['a', 'b', 1, 'c'],
    ['a', 'b', 'at'],
  ])
    t.equal(memberAt(value, ...path), undefined, path.join('.'))
  for (const nothing of [null, undefined, 'text', 1]) t.equal(memberAt(nothing, 'length'), undefined)
})
