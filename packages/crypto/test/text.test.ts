import t from 'tap'
import { counted, escaped, quoted, withoutTokens } from '../src/index.ts'

t.test('nothing that moves a cursor, ends a line or turns its direction comes through', async (t) => {
  const misleading = [
    '\u001b[2K\r',
    '\n',
    '\u0000',
    '\u007f',
    '\u009b',
    '\u202e',
    '\u2066',
    '\u2028',
    '\u200b',
    '\ufeff',
    '\ud800',
    '\u034f',
    '\u115f',
    '\u180e',
    '\u3164',
    '\ufe0f',
    '\uffa0',
    '\u{e0061}',
    '\u{e0100}',
  ]
  for (const text of misleading) {
    const shown = escaped(`a${text}b`)
    const name = Array.from(text, (character) => character.codePointAt(0)?.toString(16)).join(' ')
    t.match(shown, /^a(?:[ -~])*b$/, name)
    t.match(quoted(text), /^"[ -~]*"$/, name)
  }
  t.equal(escaped('a\u001b[2Kb'), 'a\\u001b[2Kb')
  t.equal(escaped('a\u{e0061}b'), 'a\\udb40\\udc61b', 'as JSON reads it back')
  t.equal(escaped('grüße 😀 дом'), 'grüße 😀 дом', 'letters of every script stay')
})

t.test('one thing has a word of its own', async (t) => {
  const words = ([0, 1, 2, 1n, 1000n] as const).map((count) => counted(count, 'entry', 'entries'))
  t.same(words, ['0 entries', '1 entry', '2 entries', '1 entry', '1000 entries'])
  t.equal(
    counted(1, 'tile', 'tiles', (count) => `<${count}>`),
    '<1> tile',
  )
})

t.test('values are quoted so that they cannot end their own quotes, and cut', async (t) => {
  t.equal(quoted('a"b\\c'), '"a\\"b\\\\c"')
  t.equal(quoted('abc', 2), '"ab…"')
  t.equal(quoted('x'.repeat(1_000_000)).length, 203)
  t.equal(quoted({ a: [1, null] }), '{"a":[1,null]}')
  t.equal(quoted(undefined), 'nothing')
  t.equal(quoted(1n), '1')
  t.equal(quoted(['\u001b']), '["\\u001b"]')
})

t.test('tokens are struck out wherever they stand', async (t) => {
  const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl'
  t.equal(withoutTokens(`refused ${token}, sorry`), 'refused [token], sorry')
  t.equal(withoutTokens(`x-${token}`), 'x-[token]')
  t.equal(withoutTokens(`{"a":"${token}"}`), '{"a":"[token]"}')
  t.equal(withoutTokens('eyJhbGciOiJkaXIifQ..aXY.Y3Q.dGFn'), '[token]', 'an encrypted one')
  t.equal(withoutTokens(`eyJ.${token}`), 'eyJ.[token]', 'behind a false start')
  t.equal(withoutTokens(`${token} ${token}`), '[token] [token]')
  for (const harmless of [
    '',
    'eyJ',
    'eyJhbGciOiJSUzI1NiJ9',
    'a monkeyJumps over',
    'keyJson.certificate',
    'publicKeyJwk.x',
  ])
    t.equal(withoutTokens(harmless), harmless)
})

t.test('a megabyte of the worst input is as quick as of any other', { timeout: 60_000 }, async (t) => {
  for (const worst of ['-eyJ', 'eyJaaaa', 'eyJ.', 'eyJaaaa.bbbb ', 'a.', '\u001b', '\ud800', '"']) {
    const text = worst.repeat(1_000_000 / worst.length)
    t.ok(withoutTokens(text).length <= text.length, worst)
    t.ok(escaped(text, text.length).length >= text.length)
    t.ok(quoted(text, text.length).length >= text.length)
  }
})
