/** Looking: whom a watch finds among those who are named, and what an expression may cost. */
import { sha256, toBase64, toHex, utf8 } from '@sigstack/crypto'
import { RE2JS } from 're2js'
import t from 'tap'
import { compile, parseCondition } from '../src/watching/condition.ts'
import { mostSteps } from '../src/watching/expression-size.ts'
import { createLook } from '../src/watching/look.ts'
import { readSightings } from '../src/watching/read-sighting.ts'
import type { Sighting } from '../src/watching/sighting.ts'
import { parseWatch, type Watch } from '../src/watching/watch.ts'
import { openAuthority, pemOf } from './entries.ts'

const at = new Date('2026-03-04T10:00:00Z')

function watchOf(definition: object): Watch {
  const watch = parseWatch({ name: 'watch', ...definition })
  return { ...watch, id: 1n, source: 'api', createdAt: at, createdBy: 'a test' }
}

const seek = (definition: object, sightings: readonly Sighting[]) =>
  (createLook([watchOf(definition)]).look?.('log', sightings) ?? []).map(({ sighting }) => sighting)

/** The body of a dsse entry with one signature by each. */
function dsseEntry(pems: readonly string[]): Uint8Array {
  const hash = { algorithm: 'sha256', value: toHex(sha256('x')) }
  const signatures = pems.map((pem) => ({
    signature: toBase64(utf8('signature')),
    verifier: toBase64(utf8(pem)),
  }))
  const spec = { envelopeHash: hash, payloadHash: hash, signatures }
  return utf8(JSON.stringify({ apiVersion: '0.0.1', kind: 'dsse', spec }))
}

t.test('of an entry that several have signed each is looked at by itself', async (t) => {
  const authority = await openAuthority()
  const issue = async (email: string, issuer: string, workflow: string) => {
    const claims = { issuer, buildSignerUri: workflow }
    return pemOf((await authority.issue({ san: { type: 'email', value: email }, claims, at })).der)
  }
  const leaf = dsseEntry([
    await issue('mallory@example.com', 'https://evil.example', 'evil'),
    await issue('ada@example.com', 'https://accounts.example', 'release'),
  ])
  const sightings = readSightings({ leaf }, { kind: 'rekor-v1', leafIndex: 7n, now: at })
  const ada = { subject: { exact: 'ada@example.com' } }
  t.match(seek({ ...ada, issuer: { exact: 'https://accounts.example' } }, sightings), [
    { leafIndex: 7n, subjects: ['ada@example.com'], issuer: 'https://accounts.example', workflow: 'release' },
  ])
  t.strictSame(seek({ ...ada, issuer: { exact: 'https://evil.example' } }, sightings), [])
  t.equal(seek({ issuer: { glob: '*' } }, sightings).length, 1, 'an entry is found once')
})

t.test('names are looked for behind any number of others, and those that are met are kept', (t) => {
  const others = Array.from({ length: 999 }, (_, each) => `n${each}@example.com`)
  const sighting: Sighting = {
    leafIndex: 0n,
    kind: 'certificate',
    subjects: [...others, 'ada@example.org'],
    keys: [...others, 'ab'.repeat(32)],
    repositories: [...others, 'https://github.com/example/app'],
    time: at,
    timeOf: 'log',
  }
  for (const definition of [
    { subject: { exact: 'ada@example.org' }, key: 'ab'.repeat(32) },
    { subject: { regex: '.*@example\\.org' }, repository: { glob: 'https://*' } },
  ]) {
    const [found] = seek(definition, [sighting])
    t.equal(found?.subjects[0], 'ada@example.org')
    t.equal(found?.subjects.length, 50)
    t.equal(found?.keys.length, 50)
  }
  t.equal(seek({ key: 'ab'.repeat(32) }, [sighting])[0]?.keys[0], 'ab'.repeat(32))
  t.end()
})

const atoms = [
  'a',
  '\u00e9',
  '\u{1f600}',
  '.',
  '\\d',
  '\\pN',
  '\\p{Greek}',
  '\\x{41}',
  '\\{',
  '[a-z]',
  '[]a]',
  '[^]a]',
  '[[:alpha:]}]',
  '[\\]{9}]',
  '[\\p{Greek}x]',
  '(?i)k',
  '(?i:kK)',
  '(a|bc|d)',
  '(?:a|)',
  '(?P<name>a)',
  '\\Qab(\\E',
  '\\b',
  'a{,5}',
]
const repetitions = ['', '*', '+?', '?', '{0}', '{1}', '{9}', '{3,}', '{0,}', '{2,5}', '{0,7}?', '{50}']

t.test('the program of an expression is never larger than was told', (t) => {
  for (const atom of atoms)
    for (const inner of repetitions)
      for (const outer of repetitions)
        for (const whole of [
          `${atom}${inner}`,
          `(?:x${atom}${inner}|y)${outer}z`,
          `((${atom})${inner})${outer}`,
        ]) {
          const size = sizeOf(whole)
          if (size !== undefined && size > mostSteps(whole)) t.fail(`${whole}: ${size} > ${mostSteps(whole)}`)
        }
  t.equal(mostSteps('x{1000}'), sizeOf('x{1000}'))
  t.equal(mostSteps('(.{0,9}){100}'), sizeOf('(.{0,9}){100}'))
  t.end()
})

function sizeOf(expression: string): number | undefined {
  try {
    return RE2JS.compile(expression).programSize()
  } catch {
    return undefined
  }
}

t.test('an expression that takes seconds is refused before it is compiled, and no honest one is', (t) => {
  for (const regex of [
    'x{1000}'.repeat(6),
    '(.{0,1000}){900}',
    '((a{30}){30}b){30}',
    '\\pL{1000}'.repeat(200),
  ])
    t.throws(() => parseCondition({ regex }, 'subject'), {
      code: 'malformed',
      message: /subject .*repetition/,
    })
  for (const regex of [
    '[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}',
    'https://github\\.com/example/[a-z0-9-]{1,100}/\\.github/workflows/.+@refs/(heads|tags)/v\\d+(\\.\\d+){0,3}',
    'a'.repeat(2_048),
    '(ab)'.repeat(512),
    '[a-z]?'.repeat(341),
    '(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.){1,9}example\\.com',
  ])
    t.type(compile(parseCondition({ regex }, 'subject'), 'subject'), 'function', regex.slice(0, 40))
  t.end()
})
