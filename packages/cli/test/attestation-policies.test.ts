/** Statements are held against policies: CEL, JSON Schema, and Rego that was compiled beforehand. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import type { Io } from '../src/io.ts'
import { complaintsOf, readPolicies } from '../src/policies/policy.ts'
import { startRegistry } from './registries.ts'
import { runCommand } from './support.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/cosign-3.1.3-p256.${name}`, import.meta.url))
const rego = gunzipSync(readFileSync(new URL('./vectors/policies/policy.wasm.gz', import.meta.url).pathname))
const run = (...words: readonly string[]) =>
  runCommand(words, { COSIGN_PASSWORD: 'secret', SIGSTACK_DATA: '/nowhere', DOCKER_CONFIG: '/nowhere' })

const folder = t.testdir({})
const write = (name: string, content: string | Uint8Array): string => {
  const file = path.join(folder, name)
  writeFileSync(file, content)
  return file
}
const statement = {
  _type: 'https://in-toto.io/Statement/v0.1',
  subject: [{ name: 'app', digest: { sha256: 'ab'.repeat(32) } }],
  predicateType: 'https://cosign.sigstore.dev/attestation/v1',
  predicate: { Data: 'tested twice', count: 3, share: 0.5, ok: true, none: null, list: ['a', 'b'] },
}
/** Nothing where the statement fulfils the policy. */
async function complaintOf(name: string, policy: string | Uint8Array, about: object = statement) {
  const policies = await readPolicies({} as Io, [write(name, policy)])
  return complaintsOf(policies, Buffer.from(JSON.stringify(about)))[0]
}

t.test('a CEL expression sees the statement and its members, and must come out true', async (t) => {
  for (const expression of [
    'predicate.Data.startsWith("tested")',
    'predicateType == "https://cosign.sigstore.dev/attestation/v1"',
    'subject.exists(s, s.digest.sha256.size() == 64) // each of them\n',
    'statement.predicate == predicate && statement._type.endsWith("v0.1")',
    'predicate.count == 3 && predicate.count > 2 && predicate.share < 1.0 && predicate.none == null',
    'predicate.ok && "b" in predicate.list && !has(predicate.other)',
    'predicate.Data.matches("^tes?ted [a-z]+$")',
    'predicate.Data.split(" ").size() == 2',
  ])
    t.equal(await complaintOf('a.cel', expression), undefined, expression)
  for (const [expression, complaint] of [
    ['predicate.count == 4', 'expression value, false, is not true'],
    ['"true"', 'expression value, "true", is not true'],
    ['predicate.other.more == 1', 'the expression fails: '],
    ['nobody == 1', 'the expression fails: '],
  ] as const)
    t.match(await complaintOf('a.cel', expression), `a.cel: ${complaint}`, expression)
  for (const expression of ['', 'a b', '(((', 'predicate.'])
    await t.rejects(complaintOf('a.cel', expression), { code: 'bad_usage', message: /is no policy/ })
})

t.test(
  'a statement that makes an expression look at everything for everything ends with a complaint',
  async (t) => {
    const about = (count: number) => ({
      ...statement,
      predicate: { list: Array.from({ length: count }, (_, i) => i) },
    })
    const each = 'predicate.list.all(x, x in predicate.list)'
    t.equal(await complaintOf('a.cel', each, about(1000)), undefined)
    t.match(
      await complaintOf('a.cel', each, about(3000)),
      /looks at more than this tool does for one statement/,
    )
    const nested = 'predicate.list.filter(x, true).all(x, true)'
    t.equal(await complaintOf('a.cel', nested, about(1000)), undefined)
    t.match(await complaintOf('a.cel', nested, about(50_000)), /looks at more than this tool does/)
    const keys = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`k${i}`, i]))
    t.match(
      await complaintOf('a.cel', 'predicate.all(x, predicate.all(y, true))', {
        ...statement,
        predicate: keys,
      }),
      /looks at more than this tool does/,
    )
  },
)

t.test('a schema that leads back to itself is told, and items are compared by what they are', async (t) => {
  for (const schema of [
    { $ref: '#' },
    { allOf: [{ $ref: '#' }] },
    { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } },
  ])
    await t.rejects(
      complaintOf('a.json', JSON.stringify(schema)),
      { code: 'bad_usage', message: /a\.json is no policy: "?a \$ref leads back to itself without end/ },
      JSON.stringify(schema),
    )
  const later = { dependentSchemas: { predicate: { $ref: '#' } } }
  t.match(await complaintOf('a.json', JSON.stringify(later)), /a \$ref leads back to itself without end/)
  const tree = { properties: { predicate: { $ref: '#' }, list: { uniqueItems: true } } }
  t.equal(
    await complaintOf('a.json', JSON.stringify(tree)),
    undefined,
    'one that goes down the statement has an end',
  )
  const unique = (items: readonly unknown[]) =>
    complaintOf('a.json', JSON.stringify(tree), { ...statement, predicate: { list: items } })
  t.equal(await unique([{ a: 1, b: 2 }, { a: 1, b: 3 }, [1], ['1'], 1, '1', null, false]), undefined)
  t.match(
    await unique([
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ]),
    /must NOT have duplicate items/,
  )
  t.match(await unique([1, 1.0]), /must NOT have duplicate items/)
  t.equal(await unique(Array.from({ length: 20_000 }, (_, i) => ({ i }))), undefined, 'many')
})

t.test(
  'a JSON Schema of any draft is of the whole statement, and none of its words is passed over',
  async (t) => {
    const properties = { predicate: { required: ['Data'], properties: { Data: { pattern: '^tested' } } } }
    for (const $schema of [
      undefined,
      'http://json-schema.org/draft-07/schema#',
      'https://json-schema.org/draft/2019-09/schema',
      'https://json-schema.org/draft/2020-12/schema',
    ]) {
      t.equal(await complaintOf('a.json', JSON.stringify({ $schema, properties })), undefined)
      const other = { $schema, properties: { predicate: { properties: { count: { maximum: 2 } } } } }
      t.match(await complaintOf('a.json', JSON.stringify(other)), 'a.json: "/predicate/count" must be <= 2')
      for (const name of ['constructor', '__proto__'])
        t.match(
          await complaintOf('a.json', `{"properties":{"predicate":{"required":["${name}"]}}}`),
          /must have required property/,
          name,
        )
    }
    for (const schema of [
      '{',
      '[]',
      '{"propertees":{}}',
      '{"type":"sentence"}',
      '{"properties":{"predicate":{"$ref":"https://example.org/elsewhere"}}}',
      '{"properties":{"_type":{"format":"uri"}}}',
      '{"properties":{"_type":{"pattern":"(?=a)"}}}',
      '{"$schema":"http://json-schema.org/draft-04/schema#"}',
      // Its validator answers with a promise, which is true of everything.
      '{"$async":true,"properties":{"predicate":false}}',
      '{"properties":{"predicate":{"$async":true,"required":["other"]}}}',
      '{"const":1,"const":2}',
    ])
      await t.rejects(complaintOf('a.json', schema), { code: 'bad_usage', message: /is no policy/ }, schema)
  },
)

t.test('a pattern of a policy is matched in linear time', async (t) => {
  const about = { ...statement, predicate: { Data: `${'a'.repeat(50_000)}!` } }
  const schema = { properties: { predicate: { properties: { Data: { pattern: '^(a+)+$' } } } } }
  t.match(await complaintOf('a.json', JSON.stringify(schema), about), /must match pattern/)
  t.match(await complaintOf('a.cel', 'predicate.Data.matches("^(a+)+$")', about), /false, is not true/)
})

t.test('compiled Rego must allow the statement', async (t) => {
  t.equal(await complaintOf('a.wasm', rego), undefined)
  const other = { ...statement, predicate: { Data: 'not tested' } }
  t.match(await complaintOf('a.wasm', rego, other), 'a.wasm: expression value, false, is not true')
  for (const bytes of [Buffer.from('(module)'), rego.subarray(0, 1000), Buffer.from('\0asm\x01\0\0\0')])
    await t.rejects(complaintOf('a.wasm', bytes), { code: 'bad_usage', message: /is no policy/ })
})

t.test('what is not read here is refused with what to do', async (t) => {
  await t.rejects(complaintOf('a.cue', 'a: 1'), { message: /CUE are not supported/, advice: /FILE\.cel/ })
  await t.rejects(complaintOf('a.rego', 'package signature'), { message: /Rego/, advice: /opa build/ })
  await t.rejects(complaintOf('a.txt', ''), { message: /invalid policy format/ })
})

t.test('an image is verified where each attestation of the type fulfils each policy', async (t) => {
  const registry = await startRegistry(t)
  const { pinned } = await registry.push('app')
  const attest = (...words: readonly string[]) =>
    run('attest', '--key', key('key'), '--tlog-upload=false', ...words, pinned)
  t.equal((await attest('--predicate', write('p1', 'tested once'))).status, 0)
  const [good, wasm] = [write('good.cel', 'predicate.Data.startsWith("tested")'), write('good.wasm', rego)]
  const bad = write('bad.json', '{"properties":{"predicate":{"required":["Other"]}}}')
  const trust = ['--key', key('pub'), '--insecure-ignore-tlog']
  const verify = (...words: readonly string[]) => run('verify-attestation', ...trust, ...words, pinned)
  const fulfilled = await verify('--policy', good, '--policy', wasm)
  t.equal(fulfilled.status, 0, fulfilled.err)
  t.match(fulfilled.err, `will be validating against policies: ${good}, ${wasm}\n`)
  t.equal(fulfilled.out.trim().split('\n').length, 1)
  const refused = await verify('--policy', good, '--policy', bad)
  t.equal(refused.status, 1)
  t.equal(refused.out, '')
  t.match(
    refused.err,
    `Error: 1 validation errors occurred: ${bad}: "/predicate" must have required property 'Other'\n`,
  )
  t.equal((await attest('--predicate', write('p2', 'made'))).status, 0)
  const one = await verify('--policy', good)
  t.equal(one.status, 1, 'one of two that fulfils it is not enough')
  const before = registry.lines().length
  t.equal((await verify('--policy', write('x.cue', ''))).status, 1)
  t.equal(registry.lines().length, before, 'a policy that is none is told before anything is asked')
})

t.test('a key and an identity are not demanded together', async (t) => {
  for (const command of ['verify', 'verify-attestation'])
    for (const condition of [
      ['--certificate-identity', 'a@example.org'],
      ['--certificate-oidc-issuer', 'https://issuer.example'],
    ]) {
      const { status, err } = await run(command, '--key', key('pub'), ...condition, 'registry.example/app')
      t.equal(status, 1)
      t.match(err, /Error: a key and an identity cannot both be demanded/, command)
    }
})
