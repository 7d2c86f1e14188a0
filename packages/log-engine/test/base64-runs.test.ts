/** Against what they are by definition, which is a regular expression each. */
import fc from 'fast-check'
import t from 'tap'
import { type Piece, runsIn, wrappedIn } from '../src/base64-runs.ts'

fc.configureGlobal({ seed: 1 })

const runs = /[A-Za-z0-9+/]{8,}={0,2}/g
const wrapped = /(?:[A-Za-z0-9+/]{8}\n)+(?:[A-Za-z0-9+/]{1,7}={0,2}\n)?/g

const matches = (text: string, pattern: RegExp): readonly Piece[] =>
  [...text.matchAll(pattern)].map(({ index, 0: match }) => ({ start: index, end: index + match.length }))

const base64 = 'ABYZabyz0189+/'.split('')
const word = fc.string({ unit: fc.constantFrom(...base64), maxLength: 20 })
const line = fc.string({ unit: fc.constantFrom(...base64), minLength: 7, maxLength: 9 })
const text = fc
  .array(fc.oneof(word, line, fc.constantFrom('\n', '\n', '=', '==', '===', '-', ' ', '\0', 'ÿ', '@', '[')), {
    maxLength: 40,
  })
  .map((pieces) => pieces.join(''))

t.test('runs and wrapped lines are found where they stand, and nowhere else', async () => {
  fc.assert(
    fc.property(text, (text) => {
      const bytes = Buffer.from(text, 'latin1')
      const same = (found: readonly Piece[], pattern: RegExp) =>
        JSON.stringify(found) === JSON.stringify(matches(text, pattern))
      return same(runsIn(bytes, 8), runs) && same(wrappedIn(bytes, 8), wrapped)
    }),
    { numRuns: 3_000 },
  )
})

t.test('the ends of lines and of the text count', async (t) => {
  for (const [text, found] of [
    ['', []],
    ['ABCDEFGH', []],
    ['ABCDEFGH\n', [[0, 9]]],
    ['xABCDEFGH\n', [[1, 10]]],
    ['ABCDEFGH\nAB==\n', [[0, 14]]],
    ['ABCDEFGH\nAB===\n', [[0, 9]]],
    ['ABCDEFGH\nABCDEFGH=\n', [[0, 9]]],
    [
      'ABCDEFGH\nABCDEFGH\n-ABCDEFGH\n',
      [
        [0, 18],
        [19, 28],
      ],
    ],
  ] as const)
    t.same(
      wrappedIn(Buffer.from(text), 8).map(({ start, end }) => [start, end]),
      found,
      JSON.stringify(text),
    )
})
