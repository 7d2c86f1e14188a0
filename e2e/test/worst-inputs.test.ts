/** What finds the expressions of a source, and what each of them is slow at. */
import t from 'tap'
import { expressionsOf } from '../support/source-expressions.ts'
import { badInput } from '../support/worst-inputs.ts'

t.test('expressions are found wherever they stand in a source', async (t) => {
  const source = [
    '#!/usr/bin/env not this',
    'const a = /a[/]\\//gu // not /this/',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    "const half = (b / 2) / c, text = 'not /this/', template = `not /this/ ${ /b/.test(`${'}'}`) } nor /this/`",
    "const schema = { pattern: '^\\\\d$' }",
    'return /c/ /* nor /this/ */',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    'x = new RegExp(`${y}`)',
  ]
  t.strictSame(expressionsOf(source.join('\n')), [
    { kind: 'expression', source: 'a[/]\\/', flags: 'gu', line: 2 },
    { kind: 'expression', source: 'b', flags: '', line: 3 },
    { kind: 'expression', source: '^\\d$', flags: 'u', line: 4 },
    { kind: 'expression', source: 'c', flags: '', line: 5 },
    { kind: 'built', line: 6 },
  ])
})

t.test('the worst input of an expression is found', { timeout: 300_000 }, async (t) => {
  const slow = [
    // Once our search for tokens.
    /\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*/g,
    /\/+$/,
    /^(a+)+$/,
    /^x[a-z0-9]*[0-9_]*y/,
    /"(?:[^"\\]|\\.)*"/g,
    /[ \t]+$/m,
    /(?<=^-----END [^\n]*$)/m,
    /\s*,\s*/,
    /(?:ab|a)+c/,
  ]
  for (const expression of slow) t.type(badInput(expression, 50), 'string', String(expression))
  const quick = [/[\w.-]+/g, /^[^\s@]+@[^\s@]+$/, /^.*@/, /"(?:[^"\\]+|\\.)*"?/g, /^[1-9]\d{0,18}$/]
  for (const expression of quick) t.equal(badInput(expression), undefined, String(expression))
})
