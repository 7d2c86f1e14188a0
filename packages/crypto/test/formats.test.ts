import {
  CryptoError,
  canonicalJson,
  concatBytes,
  der,
  derOid,
  derTag,
  derUnsignedInteger,
  encodePem,
  equalBytes,
  type JsonValue,
  oidOf,
  type PemBlock,
  parseBase64,
  parseBase64Url,
  parseHex,
  parsePemBlock,
  parsePemBlocks,
  parseUtf8,
  readDer,
  readDerChildren,
  readOnlyDer,
  shortLivedDer,
  toBase64,
  toHex,
  unsignedIntegerOf,
  utf8,
} from '@sigstack/crypto'
import { anyCodePoint } from '@sigstack/crypto/testing'
import fc from 'fast-check'
import t from 'tap'

const seeded = { numRuns: 1000, seed: 7 }
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** Runs `parse`, and lets only a CryptoError count as refusal. */
function refused(parse: () => unknown): boolean {
  try {
    parse()
    return false
  } catch (error) {
    if (error instanceof CryptoError) return true
    throw error
  }
}

t.test('base64 is decoded as Go does', (t) => {
  const accepted: Readonly<Record<string, string>> = {
    '': '',
    'AA==': '00',
    'AAA=': '0000',
    AAAA: '000000',
    '+/+/': 'fbffbf',
    'A\nA\r\n=\n=\n': '00',
    'AB==': '00',
    'AAF=': '0001',
    '\r\n': '',
  }
  for (const [text, bytes] of Object.entries(accepted))
    t.equal(toHex(parseBase64(text)), bytes, JSON.stringify(text))
  const bad = [
    'A',
    'AA',
    'AAA',
    'AA=',
    'A===',
    '====',
    '=',
    'AAAA=',
    'AA==AA==',
    'A A=',
    'AAA =',
    'AA==\t',
    '-_-_',
    'AAAÁ',
    'AAAĀ',
    'AA=A',
    'AAAA====',
    '\ud800AAA',
  ]
  for (const text of bad) t.throws(() => parseBase64(text), { code: 'bad_base64' }, JSON.stringify(text))
  t.end()
})

t.test('URL-safe base64 is the same with the other alphabet', (t) => {
  t.equal(toHex(parseBase64Url('-_-_')), 'fbffbf')
  t.equal(toHex(parseBase64Url('A\r\nA==')), '00')
  for (const text of ['+/+/', 'AA', 'A===', 'AA==AA==', ' AAA'])
    t.throws(() => parseBase64Url(text), { code: 'bad_base64' }, text)
  t.end()
})

t.test('every byte string survives base64 and hex, and every text is decoded or refused', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      t.ok(equalBytes(parseBase64(toBase64(bytes)), bytes) && equalBytes(parseHex(toHex(bytes)), bytes))
      t.ok(equalBytes(parseBase64Url(toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_')), bytes))
    }),
    { ...seeded, numRuns: 100 },
  )
  const strict = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
  const unit = fc.constantFrom('A', 'z', '+', '/', '=', '-', '_', '\n', '\r', ' ', 'é')
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit, maxLength: 12 }), fc.string()),
      (text) => refused(() => parseBase64(text)) !== strict.test(text.replace(/[\r\n]/g, '')),
    ),
    { ...seeded, numRuns: 5000 },
  )
  t.end()
})

t.test('32 MiB of base64 and of PEM are read in linear time', (t) => {
  const large = 'A'.repeat(32 * 1024 * 1024)
  const started = performance.now()
  t.equal(parseBase64(large).length, 24 * 1024 * 1024)
  t.throws(() => parseBase64(`${large}*AAA`), { code: 'bad_base64' })
  t.throws(() => parseBase64(`${large}\nA`), { code: 'bad_base64' })
  t.throws(() => parsePemBlock('-----BEGIN A-----\n'.repeat(500_000)), { code: 'bad_pem' })
  t.throws(() => parsePemBlock('\n-----END A-----'.repeat(500_000)), { code: 'bad_pem' })
  t.throws(() => parsePemBlock('-----BEGIN A-----\n-----END B-----\n'.repeat(300_000)), { code: 'bad_pem' })
  t.throws(() => parsePemBlock(`-----BEGIN A-----\n${'x:y\n'.repeat(500_000)}*\n-----END A-----`), {
    code: 'bad_pem',
  })
  t.throws(() => parsePemBlock(`-----BEGIN A-----${' '.repeat(5_000_000)}x\nAAAA\n-----END A-----`), {
    code: 'bad_pem',
  })
  t.ok(performance.now() - started < 60_000)
  t.end()
})

t.test('hex has an even number of digits in either case', (t) => {
  t.equal(toHex(parseHex('00aAFf')), '00aaff')
  for (const text of ['0', 'zz', '0x', ' 00', '00\n', 'é0'])
    t.throws(() => parseHex(text), { code: 'bad_hex' }, text)
  t.end()
})

t.test('UTF-8 is decoded whole or not at all', (t) => {
  t.equal(parseUtf8(utf8('\ufeffé𝄞')), '\ufeffé𝄞')
  for (const bytes of ['80', 'c080', 'eda080', 'f4908080', 'e282'])
    t.equal(parseUtf8(hex(bytes)), undefined, bytes)
  t.same(concatBytes(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3)), Uint8Array.of(1, 2, 3))
  t.end()
})

t.test('PEM that we write is read again, also by Go-like rules of its surroundings', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom('PUBLIC KEY', 'CERTIFICATE', 'X'),
      fc.constantFrom(
        '',
        'junk\n',
        '-----BEGIN X-----\n',
        'a -----BEGIN X-----\n',
        '-----BEGIN X-----\nA*==\n-----END X-----\n',
      ),
      fc.constantFrom('', '\n', 'rest'),
      fc.boolean(),
      (bytes, type, before, after, crlf) => {
        const pem = encodePem(type, bytes)
        const { block, rest } = parsePemBlock(before + (crlf ? pem.replaceAll('\n', '\r\n') : pem) + after)
        t.equal(block.type, type)
        t.ok(equalBytes(block.der, bytes))
        t.equal(rest, after)
      },
    ),
    { ...seeded, numRuns: 300 },
  )
  t.end()
})

t.test('whatever PEM is read, it is told in the one form that we write', (t) => {
  const head = '-----BEGIN X-----\n'
  const foot = '-----END X-----\n'
  const foreign = fc.constantFrom(...'AQgw/+=-_ \n\r\t:ÿ'.split(''))
  const change = fc.record({ at: fc.nat(), text: foreign, cut: fc.integer({ min: 0, max: 1 }) })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(change, { maxLength: 2 }), (bytes, changes) => {
      let body = encodePem('X', bytes).slice(head.length, -foot.length)
      for (const { at, text, cut } of changes) {
        const from = at % (body.length + 1)
        body = body.slice(0, from) + text + body.slice(from + cut)
      }
      let block: PemBlock
      try {
        block = parsePemBlock(`${head}${body}${foot}`).block
      } catch {
        return
      }
      t.equal(block.pem, encodePem('X', block.der))
    }),
    { ...seeded, numRuns: 5_000 },
  )
  const line = 'A'.repeat(64)
  for (const body of [`${line}\n\n`, `${line}\n${line}\n`, `${line}AAAA\n`, `${line}\nAB==\n`, 'AA\nAA\n'])
    t.equal(
      parsePemBlock(head + body + foot).block.pem,
      encodePem('X', Buffer.from(body, 'base64')),
      JSON.stringify(body),
    )
  t.throws(() => parsePemBlock(`${head}__--\n${foot}`), { code: 'bad_pem' })
  t.end()
})

t.test('PEM is read in the forms that clients write', (t) => {
  const bytes = Buffer.alloc(100, 7)
  const base64 = bytes.toString('base64')
  const forms = {
    'one long line': `-----BEGIN X-----\n${base64}\n-----END X-----`,
    'no final newline': encodePem('X', bytes).trimEnd(),
    'blanks at line ends': encodePem('X', bytes).replaceAll('\n', ' \t\n'),
    headers: `-----BEGIN X-----\nProc-Type: 4\nA:b\n\n${base64}\n-----END X-----\n`,
    'narrow lines': `-----BEGIN X-----\n${base64.replace(/.{10}/g, '$&\n')}\n-----END X-----\n`,
  }
  for (const [name, text] of Object.entries(forms))
    t.ok(equalBytes(parsePemBlock(text).block.der, bytes), name)
  t.equal(parsePemBlock('-----BEGIN X-----\n-----END X-----\n').block.der.length, 0)
  const broken = {
    'no block': 'text',
    'no END': '-----BEGIN X-----\nAAAA\n',
    'another type at the end': '-----BEGIN X-----\nAAAA\n-----END Y-----\n',
    'no base64': '-----BEGIN X-----\nAAA\n-----END X-----\n',
    'the URL alphabet': '-----BEGIN X-----\n-_-_\n-----END X-----\n',
    'BEGIN within a line': 'x -----BEGIN X-----\nAAAA\n-----END X-----\n',
    'END within a line': '-----BEGIN X-----\nAAAA-----END X-----\n',
    'text behind END': '-----BEGIN X-----\nAAAA\n-----END X-----y\n',
    'everything on one line': '-----BEGIN X-----AAAA-----END X-----',
  }
  for (const [name, text] of Object.entries(broken))
    t.throws(() => parsePemBlock(text), { code: 'bad_pem' }, name)
  t.end()
})

t.test('several PEM blocks are read up to a limit', (t) => {
  const text = encodePem('A', Uint8Array.of(1)) + encodePem('B', Uint8Array.of(2))
  t.same(
    parsePemBlocks(`x\n${text}y`).map(({ type }) => type),
    ['A', 'B'],
  )
  t.equal(parsePemBlocks(text, 2).length, 2)
  t.throws(() => parsePemBlocks(text, 1), { code: 'bad_pem' })
  t.throws(() => parsePemBlocks('x'), { code: 'bad_pem' })
  t.end()
})

t.test('arbitrary text is PEM or refused', (t) => {
  const unit = fc.constantFrom(
    '-----BEGIN ',
    '-----END ',
    '-----',
    'X',
    '\n',
    '\r\n',
    'AAAA',
    ':',
    ' ',
    '=',
    'é',
  )
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit, maxLength: 20 })), (text) => {
      refused(() => parsePemBlock(text))
      refused(() => parsePemBlocks(text, 2))
    }),
    { ...seeded, numRuns: 3000 },
  )
  t.end()
})

t.test('DER elements are read as they were written', (t) => {
  for (const length of [0, 1, 127, 128, 255, 256, 65535, 65536, 0x1000000]) {
    const element = der(derTag.octetString, new Uint8Array(length))
    const read = readOnlyDer(element, derTag.octetString)
    t.equal(read.content.length, length)
    t.equal(read.whole.length, element.length)
    t.ok(equalBytes(shortLivedDer(derTag.octetString, new Uint8Array(length)), element))
  }
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (contents) => {
      const elements = contents.map((content) => der(derTag.octetString, content))
      const whole = der(derTag.sequence, ...elements)
      const children = readDerChildren(readOnlyDer(whole).content)
      return (
        equalBytes(shortLivedDer(derTag.sequence, ...elements), whole) &&
        children.length === contents.length &&
        children.every(({ content }, i) => equalBytes(content, contents[i]!))
      )
    }),
    seeded,
  )
  t.throws(() => readDerChildren(new Uint8Array(20), 9), {
    code: 'bad_der',
    message: 'more than 9 DER elements',
  })
  t.end()
})

t.test(
  'DER with lengths that are not the shortest, tags of several bytes or bytes behind it is refused',
  (t) => {
    const bad = [
      '',
      '04',
      '0401',
      '0480',
      '04 8100',
      '04 817f',
      '04 82 00ff',
      '04 85 0000000000',
      '04 8400',
      '1f8101 00',
      '04 01 00 00',
      '04 ff',
    ]
    for (const bytes of bad) t.throws(() => readOnlyDer(hex(bytes)), { code: 'bad_der' }, bytes)
    t.throws(() => readOnlyDer(hex('0400'), derTag.integer), { code: 'bad_der' })
    t.end()
  },
)

t.test('integers and object identifiers have one form', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (magnitude) => {
      const { content } = readOnlyDer(derUnsignedInteger(magnitude), derTag.integer)
      const value = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`)
      return value(unsignedIntegerOf(content)) === value(magnitude) && value(content) === value(magnitude)
    }),
    seeded,
  )
  t.equal(toHex(derUnsignedInteger(new Uint8Array())), '020100')
  for (const bytes of ['', '80', 'ff', '0001', '007f'])
    t.throws(() => unsignedIntegerOf(hex(bytes)), { code: 'bad_der' }, bytes)
  for (const oid of [
    '0.0',
    '1.2.840.10045.3.1.7',
    '2.5.29.17',
    '2.999.1',
    '1.3.6.1.4.1.57264.1.7',
    '2.5.4.128.16384',
  ])
    t.equal(oidOf(readOnlyDer(derOid(oid), derTag.oid).content), oid)
  // What is remembered of one is not told of another that has its number there.
  for (const oid of ['1.2.3.64', '1.2.4.33', '1.2.3.64'])
    t.equal(oidOf(readOnlyDer(derOid(oid), derTag.oid).content), oid)
  for (const bytes of ['', '80', '2a80', '2a8001', '2affffffffffffffffff7f'])
    t.throws(() => oidOf(hex(bytes)), { code: 'bad_der' }, bytes)
  t.end()
})

t.test('arbitrary bytes are DER or refused', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (bytes, offset) => {
      refused(() => readDer(bytes, offset))
      refused(() => readDerChildren(bytes))
      refused(() => oidOf(bytes))
      refused(() => unsignedIntegerOf(bytes))
      return (
        refused(() => readOnlyDer(bytes)) || equalBytes(der(bytes[0]!, readOnlyDer(bytes).content), bytes)
      )
    }),
    { ...seeded, numRuns: 5000 },
  )
  t.end()
})

t.test('canonical JSON is that of RFC 8785', (t) => {
  // Section 3.2.2, with its numbers and escapes, and section 3.2.3 for the order of members.
  const sample = {
    numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  }
  t.equal(
    canonicalJson(sample),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
  const order = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
  t.equal(canonicalJson(order), '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}')
  t.equal(canonicalJson({ b: undefined, a: -0 }), '{"a":0}')
  for (const value of ['\ud800', Number.NaN, Number.POSITIVE_INFINITY, { '\udc00': 1 }])
    t.throws(() => canonicalJson(value), { code: 'bad_json' })
  t.end()
})

t.test('canonical JSON is JSON.stringify over members sorted at every level', (t) => {
  const sorted = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(sorted)
    if (typeof value !== 'object' || value === null) return value
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(members.map(([name, member]) => [name, sorted(member as JsonValue)]))
  }
  // Names like 1 and __proto__ are out: an object would not keep their order, which is what makes the slow way slow to trust.
  const name = fc.string({ unit: anyCodePoint, minLength: 1 }).filter((name) => !/^\d|^__proto__$/.test(name))
  const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.oneof(fc.string({ unit: anyCodePoint }), fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(name, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }))
  fc.assert(
    fc.property(tree, (value) => {
      const text = canonicalJson(value)
      return text === JSON.stringify(sorted(value)) && canonicalJson(JSON.parse(text) as JsonValue) === text
    }),
    seeded,
  )
  t.end()
})
