import { createMlDsaSigner, generateMlDsaKey, parsePublicKey } from '@sigstack/crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  CheckpointError,
  encodeNoteKey,
  isQuorum,
  noteKey,
  noteKeyOf,
  parseWitnessPolicy,
} from '../src/index.ts'

fc.configureGlobal({ seed: 1 })

/** Ed25519 of a seed: the same text, the same key. */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')
const points = [
  'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  '278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e',
]
const vkey = (at: number, name: string, role: 'log' | 'witness') =>
  encodeNoteKey(
    noteKeyOf(name, parsePublicKey(Buffer.concat([spkiHead, Buffer.from(points[at] ?? '', 'hex')])), role),
  )
const w = [0, 1, 2, 3].map((at) => vkey(at, `w${at}.example`, 'witness'))
const log = vkey(3, 'log.example/1', 'log')

const twoOfThree = `# who counts
log ${log} https://log.example/1/
\twitness A ${w[0]} https://a.example/
  witness B ${w[1]}

witness C ${w[2]}  http://c.example:8080/w
group two 2 A B C
witness D ${w[3]}
group all all two D
quorum all
`

t.test('a policy is read, and its quorum counted', (t) => {
  const policy = parseWitnessPolicy(twoOfThree)
  t.equal(policy.logs[0]?.key.name, 'log.example/1')
  t.strictSame(
    policy.witnesses.map(({ name, url }) => [name, url]),
    [
      ['A', 'https://a.example'],
      ['B', undefined],
      ['C', 'http://c.example:8080/w'],
      ['D', undefined],
    ],
  )
  const enough = (names: string) => isQuorum(policy.quorum, ({ name }) => names.includes(name))
  for (const names of ['ABD', 'ACD', 'BCD', 'ABCD']) t.ok(enough(names), names)
  for (const names of ['', 'D', 'AD', 'ABC', 'AB']) t.notOk(enough(names), names)
  const none = parseWitnessPolicy('quorum none\n')
  t.ok(isQuorum(none.quorum, () => false))
  const one = parseWitnessPolicy(`witness A ${w[0]}\nquorum A\n`)
  t.notOk(isQuorum(one.quorum, () => false))
  t.ok(isQuorum(one.quorum, () => true))
  const any = parseWitnessPolicy(`witness A ${w[0]}\nwitness B ${w[1]}\ngroup g any A B\nquorum g\n`)
  t.ok(isQuorum(any.quorum, ({ name }) => name === 'B'))
  t.end()
})

t.test('keys of ML-DSA, names beyond ASCII, and witness keys of type 0x01 are read', (t) => {
  const mlDsa = noteKey('pq.example', 'ml-dsa-44', createMlDsaSigner(generateMlDsaKey()).publicKey)
  const policy = parseWitnessPolicy(
    `witness Zürich ${encodeNoteKey(mlDsa)}\nwitness K ${vkey(1, 'w', 'log')}\ngroup g all Zürich K\nquorum g\n`,
  )
  t.strictSame(
    policy.witnesses.map(({ key }) => encodeNoteKey(key)),
    [encodeNoteKey(mlDsa), vkey(1, 'w', 'witness')],
  )
  t.end()
})

t.test('what C2SP forbids is refused, and its line named', (t) => {
  const head = `witness A ${w[0]}\nwitness B ${w[1]}\n`
  const bent: Record<string, [string, RegExp]> = {
    'no quorum': [head, /no quorum line/],
    'two quorums': [`${head}quorum A\nquorum B\n`, /line 4 .*already/],
    'an unknown name': [`${head}quorum C\n`, /line 3 .*no line above defines "C"/],
    'a group before its members': [`group g any A\n${head}quorum g\n`, /line 1 /],
    'a group of itself': [`${head}group g any g\nquorum g\n`, /line 3 /],
    'none as a member': [`${head}group g any none\nquorum g\n`, /line 3 /],
    'none as a name': [`witness none ${w[0]}\nquorum none\n`, /line 1 /],
    'a name twice': [`witness A ${w[0]}\nwitness A ${w[1]}\nquorum A\n`, /line 2 .*defined twice/],
    'a member of two groups': [
      `${head}group g any A\ngroup h any A B\nquorum h\n`,
      /line 4 .*a member twice/,
    ],
    'a threshold of 0': [`${head}group g 0 A B\nquorum g\n`, /line 3 /],
    'a threshold beyond': [`${head}group g 3 A B\nquorum g\n`, /line 3 /],
    'a threshold with a zero before it': [`${head}group g 01 A B\nquorum g\n`, /line 3 /],
    'no members': [`${head}group g any\nquorum A\n`, /line 3 .*form/],
    'a key twice': [`${head}witness C ${vkey(1, 'other', 'witness')}\nquorum A\n`, /line 3 .*twice/],
    'a log twice': [`log ${log}\nlog ${vkey(3, 'b', 'log')}\nquorum none\n`, /line 2 .*twice/],
    'a cosignature key as a log': [`log ${w[0]}\nquorum none\n`, /line 1 /],
    'a broken key': [`witness A ${w[0]?.slice(0, -2)}\nquorum A\n`, /line 1 /],
    'another word': [`${head}Quorum A\n`, /line 3 .*"Quorum" is no log/],
    'a word of every object': ['toString a\nquorum none\n', /line 1 /],
    'a control character': [`${head}quorum A\r\n`, /line 3 .*control/],
    'a URL of another kind': [`witness A ${w[0]} file:///etc\nquorum A\n`, /line 1 .*URL/],
    'a word too many': [`${head}quorum A B\n`, /line 3 /],
    'a comment behind': [`${head}quorum A # yes\n`, /line 3 /],
    'no line feed at the end': [`${head}quorum A`, /last line/],
    'too long': [`#${'x'.repeat(1_048_576)}\nquorum none\n`, /longer/],
  }
  for (const [what, [text, message]] of Object.entries(bent))
    t.throws(() => parseWitnessPolicy(text), { name: 'CheckpointError', code: 'bad_policy', message }, what)
  t.end()
})

t.test('arbitrary lines are read or refused, never anything else', (t) => {
  const item = fc.oneof(
    fc.constantFrom('log', 'witness', 'group', 'quorum', 'none', 'any', 'all', 'A', 'B', '1', '#', '\t'),
    fc.constantFrom(...w),
    fc.string({ maxLength: 12 }),
  )
  const line = fc.array(item, { maxLength: 6 }).map((items) => items.join(' '))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      try {
        parseWitnessPolicy(`${lines.join('\n')}\n`)
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error
      }
    }),
    { numRuns: 500 },
  )
  t.end()
})
