/** Whatever comes in is refused in Fulcio's words: never a 5xx, never a certificate. */
import { parseStrictJson } from '@sigstack/crypto'
import fc from 'fast-check'
import t from 'tap'
import { isEmailAddress } from '../src/identity/email-address.ts'
import { parseTemplate, renderTemplate } from '../src/identity/template.ts'
import { parseUriName } from '../src/identity/uri-name.ts'
import { base64, createCertificateRequest } from './support/certificate-request.ts'
import { createClientKey, emailToken, person, postV2, startHarness, v2Body } from './support/harness.ts'

fc.configureGlobal({ seed: 1 })

const harness = await startHarness()
t.teardown(() => harness.stop())
const token = await emailToken(harness)
const key = createClientKey()
const runs = { numRuns: 150, seed: 20260807 }

const isRefusal = (answer: { statusCode: number; body: string }): boolean => {
  const body = JSON.parse(answer.body) as { code: number; message: string; details: unknown[] }
  return answer.statusCode === 400 && body.code === 3 && body.message !== '' && body.details.length === 0
}

t.test('arbitrary bytes as request body', async (t) => {
  for (const url of ['/api/v2/signingCert', '/api/v1/signingCert'])
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) =>
        isRefusal(await harness.app.inject({ method: 'POST', url, payload: Buffer.from(bytes) })),
      ),
      runs,
    )
  t.pass()
})

t.test('arbitrary JSON as request body, with a good token', async (t) => {
  const names = [
    'credentials',
    'oidcIdentityToken',
    'publicKeyRequest',
    'public_key_request',
    'publicKey',
    'content',
    'algorithm',
    'proofOfPossession',
    'certificateSigningRequest',
    'signedEmailAddress',
    '__proto__',
    'constructor',
  ]
  const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
    leaf: fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.constant(key.pem),
      fc.base64String(),
    ),
    tree: fc.oneof(
      { maxDepth: 4 },
      tie('leaf'),
      fc.dictionary(fc.constantFrom(...names), tie('tree'), { maxKeys: 5 }),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  }))
  for (const url of ['/api/v2/signingCert', '/api/v1/signingCert'])
    await fc.assert(
      fc.asyncProperty(tree, async (body) =>
        isRefusal(
          await harness.app.inject({
            method: 'POST',
            url,
            headers: { authorization: `Bearer ${token}` },
            payload: JSON.stringify(body) ?? 'null',
          }),
        ),
      ),
      runs,
    )
  t.pass()
})

t.test('a good request with any one character changed, cut or put in', async (t) => {
  const good = JSON.stringify(v2Body(token, key))
  t.equal((await postV2(harness, good)).statusCode, 200)
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length - 1),
      fc.string({ maxLength: 2 }),
      fc.nat(3),
      async (at, text, length) => {
        const answer = await postV2(harness, good.slice(0, at) + text + good.slice(at + length))
        return answer.statusCode === 200 || isRefusal(answer)
      },
    ),
    { ...runs, numRuns: 400 },
  )
})

t.test('arbitrary tokens: bytes, parts and JSON in the parts', async (t) => {
  const part = fc.oneof(
    fc.string(),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
    fc
      .record(
        {
          iss: fc.constantFrom('https://login.example.com', 'https://x'),
          alg: fc.anything(),
          kid: fc.anything(),
          exp: fc.anything(),
          aud: fc.anything(),
        },
        { requiredKeys: [] },
      )
      .map((value) =>
        Buffer.from(
          JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? 1 : member)),
        ).toString('base64url'),
      ),
    fc.constantFrom(...token.split('.')),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), async (parts) => {
      const answer = await postV2(harness, v2Body(parts.join('.'), key))
      return parts.join('.') === token ? answer.statusCode === 200 : isRefusal(answer)
    }),
    { ...runs, numRuns: 400 },
  )
  t.pass()
})

t.test('public keys and certificate requests, whole and damaged, as PEM and as DER', async (t) => {
  const request = createCertificateRequest({ spki: key.der, privateKey: key.privateKey })
  const damage = (bytes: Uint8Array) =>
    fc.tuple(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean()).map(([at, byte, cut]) => {
      const copy = Buffer.from(bytes)
      copy[at] = byte
      return cut ? copy.subarray(0, at) : copy
    })
  await fc.assert(
    fc.asyncProperty(fc.oneof(damage(Buffer.from(key.pem)), damage(key.der)), async (bytes) => {
      const answer = await harness.app.inject({
        method: 'POST',
        url: '/api/v1/signingCert',
        headers: { authorization: token },
        payload: {
          publicKey: { content: bytes.toString('base64') },
          signedEmailAddress: key.prove(person.email),
        },
      })
      return answer.statusCode === 201 || isRefusal(answer)
    }),
    runs,
  )
  await fc.assert(
    fc.asyncProperty(damage(Buffer.from(request)), async (bytes) => {
      const body = {
        credentials: { oidcIdentityToken: token },
        certificateSigningRequest: base64(bytes.toString('latin1')),
      }
      const answer = await postV2(harness, body)
      return answer.statusCode === 200 || isRefusal(answer)
    }),
    runs,
  )
  t.pass()
})

t.test('strict JSON agrees with JSON.parse wherever no name repeats', async (t) => {
  const bounds = { mostNames: 100_000 }
  const refusals = fc.string({
    unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ':', ',', ' ', 'a', '1'),
  })
  fc.assert(
    fc.property(refusals, (text) => {
      const attempt = (parse: () => unknown): unknown => {
        try {
          return { value: parse() }
        } catch (error) {
          return (error as Error).name
        }
      }
      const plain = attempt(() => JSON.parse(text))
      const strict = attempt(() => parseStrictJson(Buffer.from(text), bounds))
      if (plain === 'SyntaxError') t.equal(strict, 'StrictJsonError')
      else if (strict !== 'StrictJsonError') t.same(strict, plain)
    }),
    { ...runs, numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.json({ maxDepth: 10 }), (text) => {
      t.same(parseStrictJson(Buffer.from(text), bounds), JSON.parse(text))
    }),
    runs,
  )
  fc.assert(
    fc.property(fc.string(), fc.json(), fc.json(), (name, a, b) => {
      const twice = `{"x":[{${JSON.stringify(name)}:${a} , ${JSON.stringify(name)} :${b}}]}`
      t.throws(() => parseStrictJson(Buffer.from(twice), bounds), { name: 'StrictJsonError' })
    }),
    runs,
  )
})

t.test('strict JSON stops at its bounds before it builds anything', async (t) => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `"k${i}":0`).join(',')
  const parse = (text: string) => parseStrictJson(Buffer.from(text), { mostNames: 100 })
  t.equal(Object.keys(parse(`{${names(100)}}`) as object).length, 100)
  // What follows is no JSON: nobody has looked at it.
  for (const text of [
    `{${names(101)}`,
    `[${'{"a":1},'.repeat(101)}`,
    `{"x":{${names(60)}},"y":{${names(60)}`,
  ])
    t.throws(() => parse(text), { name: 'StrictJsonError', message: 'the JSON holds more than 100 names' })
  t.throws(() => parse('['.repeat(100_000)), { message: 'the JSON is nested too deeply' })
  t.throws(() => parse('{"'), { message: 'the text is not JSON' })
  t.throws(() => parse('{"\\u":1}'), { message: 'the text is not JSON' })
})

t.test('templates, URIs and addresses: a value or a refusal of their own, in linear time', async (t) => {
  const tricky = fc
    .array(
      fc.constantFrom(
        '{{',
        '}}',
        '.',
        'if ',
        'eq',
        'end',
        'else',
        '"',
        '(',
        ')',
        ' ',
        'a',
        'index',
        '`',
        '\\',
        '%',
        '@',
        '/',
        ':',
        '-',
        'ü',
        '\u0000',
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(tricky, fc.string()), (text) => {
      try {
        renderTemplate(parseTemplate(text), new Map([['a', 'A']]))
      } catch (error) {
        t.equal((error as Error).name, 'TemplateError')
      }
      try {
        t.match(parseUriName(text, 'x').text, /^[\x21-\x7e]+$/)
      } catch (error) {
        t.equal((error as Error).name, 'IssuanceError')
      }
      t.type(isEmailAddress(text), 'boolean')
    }),
    { ...runs, numRuns: 1000 },
  )
  const begun = performance.now()
  for (const text of [
    'a'.repeat(16_000),
    `x:${'%41'.repeat(5000)} `,
    '{{'.repeat(5000),
    `{{ ${'('.repeat(5000)}`,
  ]) {
    try {
      parseTemplate(text)
    } catch {
      // refused, and soon
    }
    try {
      parseUriName(text, 'x')
    } catch {
      // refused, and soon
    }
  }
  t.ok(performance.now() - begun < 60_000)
})
