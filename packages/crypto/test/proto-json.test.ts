import t from 'tap'
import { bytesOf, countOf, membersOf, parseProtoJson } from '../src/index.ts'

const nodeOf = (value: unknown) => ({ value, path: 'member' })

t.test('members are known by either spelling, and each is there once', async (t) => {
  const read = (text: string) =>
    membersOf(parseProtoJson(text, 'thing', 1000), ['logIndex', 'hint', 'payloadType'])
  t.equal(read('{"log_index":1}').logIndex?.value, 1)
  t.equal(read('{"logIndex":1,"hint":null}').hint, undefined)
  t.throws(() => read('{"logIndex":1,"logIndex":2}'), { code: 'not_json', message: /occurs twice/ })
  t.throws(() => read('{"logIndex":1,"log\\u0049ndex":2}'), { code: 'not_json' })
  t.throws(() => read('{"logIndex":1,"log_index":2}'), { code: 'bad_member' })
  for (const other of [
    'LogIndex',
    'log_Index',
    'log__index',
    '_log_index',
    'logindex',
    'hi_nt',
    'payload_type',
  ])
    t.throws(() => read(`{"${other}":1}`), { code: 'unknown_member' }, other)
  t.throws(() => read('{"\\u001b[2K":1}'), { code: 'unknown_member', message: /^"\\u001b\[2K" is not/ })
  t.throws(() => read(`{"hint":"${'x'.repeat(1000)}"}`), { code: 'too_large' })
  t.throws(() => read('['.repeat(500)), { code: 'not_json' })
  t.throws(() => read(`${'['.repeat(200)}${']'.repeat(200)}`), { code: 'not_json', message: /nested/ })
})

t.test('counts have one spelling', async (t) => {
  t.equal(countOf(nodeOf('0')), 0n)
  t.equal(countOf(nodeOf(669)), 669n)
  t.equal(countOf(nodeOf('9223372036854775807')), 9223372036854775807n)
  const strange = ['', '-1', '+1', ' 1', '1 ', '0669', '1e3', '0x10', 'abc', '1.0', '9223372036854775808']
  for (const value of [...strange, '12345678901234567890', -1, 0.5, 2 ** 53, Number.NaN, true, [], {}])
    t.throws(() => countOf(nodeOf(value)), { code: 'bad_member' }, JSON.stringify(value))
})

t.test('bytes are base64 in either alphabet, padded or not, and line ends in it are skipped', async (t) => {
  for (const text of ['+/8=', '+/8', '-_8=', '-_8', '+/\n8=', '\r\n+/8=\n'])
    t.same([...bytesOf(nodeOf(text), 10)], [0xfb, 0xff], text)
  t.equal(bytesOf(nodeOf(''), 10).length, 0)
  const strange = ['+/8!', '+/8 =', '+/\t8=', '+_8=', '====', '=', 'A', 'AAAAA', '+/8==', 'AAA===', 'AA=A']
  for (const text of strange)
    t.throws(() => bytesOf(nodeOf(text), 10), { code: 'bad_member' }, JSON.stringify(text))
  for (const text of ['AAAA'.repeat(5), `AAAA${'\n'.repeat(40)}`])
    t.throws(() => bytesOf(nodeOf(text), 10), { code: 'bad_member' })
})
