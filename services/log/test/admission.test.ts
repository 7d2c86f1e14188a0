import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createLimiter } from '@sigstack/limits'
import t, { type Test as TapTest } from 'tap'
import { createGate, type GateOptions } from '../src/admission/gate.ts'
import { matchesGlob } from '../src/admission/glob.ts'
import { followPolicy, readPolicy } from '../src/admission/policy-file.ts'
import { createTestCa, type TestCa } from './certified.ts'
import { json, jsonVector, openRekor, proposalFor, type RekorUnderTest } from './support.ts'

const google = 'https://accounts.example.org'
const github = 'https://token.actions.example.org'
const ann = { type: 'email', value: 'ann@example.org' } as const

async function post({ app }: RekorUnderTest, proposal: unknown, remoteAddress = '127.0.0.1') {
  const payload = JSON.stringify(proposal)
  const answer = await app.inject({
    method: 'POST',
    url: '/api/v1/log/entries',
    headers: json,
    payload,
    remoteAddress,
  })
  return {
    status: answer.statusCode,
    headers: answer.headers,
    message: answer.json().message as string | undefined,
  }
}

async function rekorWithRules(t: TapTest, rules: object, files: Record<string, string> = {}) {
  const directory = t.testdir({ ...files, 'rules.json': JSON.stringify(rules) })
  const file = path.join(directory, 'rules.json')
  const { policy } = await readPolicy(file)
  return openRekor(t, { settings: { gate: createGate({ policy: () => policy }) } })
}

t.test('rules admit by issuer, name, key, network and kind, and the first that holds decides', async (t) => {
  const ca = await createTestCa()
  const other = await createTestCa()
  const rekor = await rekorWithRules(
    t,
    {
      default: 'deny',
      chain: 'ca.pem',
      rules: [
        { name: 'blocked network', effect: 'deny', when: { network: ['203.0.113.0/24', '2001:db8:1::/48'] } },
        { name: 'not bob', effect: 'deny', when: { subject: 'bob@example.org' } },
        { name: 'people', effect: 'allow', when: { issuer: google, emailDomain: 'Example.ORG' } },
        {
          name: 'builds',
          effect: 'allow',
          when: { issuer: [github], subjectGlob: 'https://forge.example.org/acme/*' },
        },
        { name: 'attestations from inside', effect: 'allow', when: { kind: 'dsse', network: '10.0.0.0/8' } },
      ],
    },
    { 'ca.pem': ca.pem },
  )
  const propose = async (from: TestCa, name: string, ...who: [Parameters<TestCa['propose']>[1], string]) =>
    (await from.propose(name, ...who)).proposal
  t.equal((await post(rekor, await propose(ca, '1', ann, google))).status, 201, 'a person')
  const build = { type: 'uri', value: 'https://forge.example.org/acme/tool/.build.yml@main' } as const
  t.equal((await post(rekor, await propose(ca, '2', build, github))).status, 201, 'a build')

  const refused = async (proposal: unknown, message: RegExp, address?: string) => {
    const answer = await post(rekor, proposal, address)
    t.equal(answer.status, 403, String(message))
    t.match(answer.message, message)
  }
  await refused(await propose(ca, '3', ann, google), /by the rule "blocked network"/, '203.0.113.7')
  await refused(await propose(ca, '4', ann, google), /by the rule "blocked network"/, '2001:db8:1::5')
  await refused(await propose(ca, '5', ann, google), /by the rule "blocked network"/, '::ffff:203.0.113.7')
  await refused(await propose(ca, '6', { type: 'email', value: 'bob@example.org' }, google), /"not bob"/)
  await refused(await propose(ca, '7', ann, 'https://evil.example.org'), /no rule of this log admits/)
  await refused(await propose(ca, '8', { type: 'email', value: 'ann@sub.example.org' }, google), /no rule/)
  const elsewhere = { type: 'uri', value: 'https://forge.example.org/evil/tool' } as const
  await refused(await propose(ca, '9', elsewhere, github), /no rule/)
  await refused(await propose(other, '10', ann, google), /no rule/, undefined)
  await refused(proposalFor('plain key'), /no rule/)
  const dsse = jsonVector('rekor-v1/dsse.json').proposal
  await refused(dsse, /no rule/)
  t.equal((await post(rekor, dsse, '10.1.2.3')).status, 201, 'from inside')
})

t.test('a key is known by its SubjectPublicKeyInfo', async (t) => {
  const ca = await createTestCa()
  const { proposal, signer } = await ca.propose('by key', ann, google)
  const { createHash } = await import('node:crypto')
  const hex = createHash('sha256').update(signer.publicKey.spki).digest('hex')
  const rules = [
    { name: 'the key', effect: 'allow', when: { key: [hex.toUpperCase().replace(/..(?=.)/g, '$&:')] } },
  ]
  const rekor = await rekorWithRules(t, { default: 'deny', rules })
  t.equal((await post(rekor, proposal)).status, 201)
  t.equal((await post(rekor, proposalFor('another key'))).status, 403)
})

t.test('a file of rules that cannot be meant is refused with the place', async (t) => {
  const bad: [string, RegExp][] = [
    ['{', /neither YAML nor JSON/],
    ['rules: []', /rules\.yaml: .*default/],
    ['default: maybe\nrules: []', /default/],
    ['default: deny\nrules: [{name: a, effect: allow, when: {isuer: x}}]', /when/],
    ['default: deny\nrules: [{name: a, effect: allow, when: {issuer: x}}]', /rule "a".*needs a 'chain'/],
    ['default: deny\nrules: [{name: a, effect: deny, when: {network: 10.0.0.0/40}}]', /no address range/],
    ['default: deny\nrules: [{name: a, effect: deny, when: {kind: nonsense}}]', /no entry kind "nonsense"/],
    ['default: deny\nrules: [{name: a, effect: deny, when: {key: abc}}]', /SHA-256 of a key/],
    ['default: deny\nrules: [{name: a, effect: deny, when: {chain: none.pem}}]', /none\.pem/],
  ]
  for (const [text, message] of bad) {
    const file = path.join(t.testdir({ 'rules.yaml': text }), 'rules.yaml')
    await t.rejects(readPolicy(file), { name: 'AdmissionError', code: 'bad_policy', message }, text)
  }
})

t.test('changed rules are taken up, and a fault keeps those before', async (t) => {
  const file = path.join(t.testdir({ 'rules.yaml': 'default: allow\nrules: []' }), 'rules.yaml')
  const told: string[] = []
  const following = await followPolicy(file, {
    pollMs: 20,
    onReload: ({ byDefault }) => told.push(byDefault),
    onFault: (error) => told.push((error as Error).message),
  })
  t.teardown(() => following.stop())
  t.equal(following.current().byDefault, 'allow')
  await writeFile(file, 'default: nonsense')
  await following.check()
  t.equal(following.current().byDefault, 'allow', 'still')
  t.match(following.fault(), /default/)
  await writeFile(file, 'default: deny\nrules: []')
  await following.check()
  t.equal(following.current().byDefault, 'deny')
  t.equal(following.fault(), undefined)
  t.match(told.at(-1), 'deny')
})

t.test('limits hold for each address before its body is read', async (t) => {
  const addressLimiter = createLimiter({ rules: [{ perSecond: 0.01, burst: 2 }] })
  const rekor = await openRekor(t, { settings: { gate: createGate({ addressLimiter }) } })
  t.equal((await post(rekor, proposalFor('1'))).status, 201)
  t.equal((await post(rekor, 'nonsense')).status, 422, 'counted too')
  const third = await post(rekor, proposalFor('3'))
  t.match(third, {
    status: 429,
    headers: { 'retry-after': /^\d+$/ },
    message: /too many entries from this address/,
  })
  t.equal((await post(rekor, proposalFor('4'), '192.0.2.9')).status, 201, 'another address')
  t.equal((await post(rekor, proposalFor('5'), '2001:db8::1')).status, 201)
  t.equal((await post(rekor, proposalFor('6'), '2001:db8::2')).status, 201, 'the same network')
  t.equal((await post(rekor, proposalFor('7'), '2001:db8:0:0:ffff::3')).status, 429, 'is one address')
  t.equal((await post(rekor, proposalFor('8'), '2001:db8:0:1::1')).status, 201)
  const read = await rekor.app.inject({ url: '/api/v1/log' })
  t.equal(read.statusCode, 200, 'reading is not limited')
})

t.test('limits hold for each identity, and nobody uses up that of another', async (t) => {
  const ca = await createTestCa()
  const directory = t.testdir({
    'ca.pem': ca.pem,
    'rules.yaml': `default: allow\nchain: ca.pem\nrules:\n  - {name: people, effect: allow, when: {issuer: "${google}"}}`,
  })
  const { policy } = await readPolicy(path.join(directory, 'rules.yaml'))
  const outcomes: string[] = []
  const gate: GateOptions = {
    policy: () => policy,
    identityLimiter: createLimiter({ rules: [{ perSecond: 0.01, burst: 1 }] }),
    onDecision: (outcome) => outcomes.push(outcome),
  }
  const rekor = await openRekor(t, { settings: { gate: createGate(gate) } })
  const forger = await createTestCa()
  t.equal(
    (await post(rekor, (await forger.propose('forged', ann, google)).proposal)).status,
    201,
    'names made up',
  )
  t.equal((await post(rekor, (await ca.propose('one', ann, google)).proposal)).status, 201, 'her first')
  const second = await post(rekor, (await ca.propose('two', ann, google)).proposal)
  t.match(second, { status: 429, message: /this identity/ }, 'another certificate, the same person')
  t.equal(
    (await post(rekor, (await ca.propose('three', { ...ann, value: 'eve@example.org' }, google)).proposal))
      .status,
    201,
  )
  t.equal((await post(rekor, proposalFor('plain 1'))).status, 201)
  t.equal((await post(rekor, proposalFor('plain 2'))).status, 429, 'a key is an identity')
  t.same(outcomes, ['admitted', 'admitted', 'identity_limited', 'admitted', 'admitted', 'identity_limited'])
})

t.test('globs match in time linear to the text', async (t) => {
  const cases: [string, string, boolean][] = [
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['a*c', 'abbc', true],
    ['a*c', 'ac', true],
    ['a*c', 'acd', false],
    ['*', '', true],
    ['*b*', 'abc', true],
    ['a*a', 'a', false],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'a-c-b-c', true],
    ['a*b*c', 'acbd', false],
    ['**x', 'x', true],
    ['a.c', 'abc', false],
  ]
  for (const [glob, text, matches] of cases) t.equal(matchesGlob(glob, text), matches, `${glob} ${text}`)
  const began = performance.now()
  matchesGlob(`${'*a'.repeat(400)}b`, 'a'.repeat(100_000))
  t.ok(performance.now() - began < 500)
})
