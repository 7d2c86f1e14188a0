import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createLimiter } from '@sigstack/limits'
import t, { type Test as TapTest } from 'tap'
import { addressLimiterOf } from '../src/admission/address-limiter.ts'
import { createGate, type GateOptions } from '../src/admission/gate.ts'
import { followPolicy, readPolicy } from '../src/admission/policy-file.ts'
import { createTestCa, type TestCa } from './certified.ts'
import { entryVector, json, openRekor, proposalFor, type RekorUnderTest } from './support.ts'

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
          when: { issuer: [github], subjectGlob: 'https://forge.example.org/acme/**' },
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
  const dsse = entryVector('derived/dsse.json').proposal
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

t.test('rules and chains may begin with a byte order mark, and be UTF-16 behind it', async (t) => {
  const text = (file: string) => JSON.stringify({ default: 'deny', chain: file, rules: [] })
  const { pem } = await createTestCa()
  const directory = t.testdir({
    'marked.pem': `\ufeff${pem}`,
    'windows.pem': Buffer.from(`\ufeff${pem}`, 'utf16le'),
    'marked.json': `\ufeff${text('marked.pem')}`,
    'windows.json': Buffer.from(`\ufeff${text('windows.pem')}`, 'utf16le'),
  })
  for (const name of ['marked.json', 'windows.json'])
    await t.resolves(readPolicy(path.join(directory, name)), name)
})

t.test('names are compared as in the CA: stars, and domains as the DNS compares them', async (t) => {
  const subjectsOf = async (effect: string, when: object) => {
    const directory = t.testdir({
      'ca.pem': (await createTestCa()).pem,
      'rules.json': JSON.stringify({
        default: 'deny',
        chain: 'ca.pem',
        rules: [{ name: 'r', effect, when }],
      }),
    })
    const { policy } = await readPolicy(path.join(directory, 'rules.json'))
    t.same(
      policy.notices,
      effect === 'allow' && when === shallow
        ? ['rule "r" allows by a pattern with *, which ends at a slash; ** goes past it']
        : [],
    )
    return policy.rules[0]!.signer!.isSubject!
  }
  const shallow = { subjectGlob: 'https://github.com/acme/*' }
  const deep = 'https://github.com/acme/app/.github/workflows/ci.yml@refs/heads/main'
  t.notOk((await subjectsOf('allow', shallow))(deep), 'a star ends at a slash')
  t.ok((await subjectsOf('allow', { subjectGlob: 'https://github.com/acme/**' }))(deep))
  t.ok((await subjectsOf('deny', shallow))(deep), 'and goes past it where it keeps somebody out')
  const evil = await subjectsOf('deny', { emailDomain: ['Evil.example.', 'bücher.example'] })
  for (const name of ['m@evil.example', 'm@EVIL.example.', 'a/b@evil.example', 'm@xn--bcher-kva.example'])
    t.ok(evil(name), name)
  for (const name of ['m@sub.evil.example', 'https://x.example/ci.yml@evil.example', 'evil.example'])
    t.notOk(evil(name), name)
})

t.test('no letter case of a name gets past a rule that denies it, and none is let in by one', async (t) => {
  const subjectsOf = async (effect: string, when: object) => {
    const rules = [{ name: 'r', effect, when }]
    const file = path.join(t.testdir({ 'ca.pem': (await createTestCa()).pem }), 'rules.json')
    await writeFile(file, JSON.stringify({ default: 'deny', chain: 'ca.pem', rules }))
    return (await readPolicy(file)).policy.rules[0]!.signer!.isSubject!
  }
  const spellings = ['bob@example.com', 'BOB@example.com', 'Bob@Example.COM', 'bob@example.com.']
  const uri = 'https://github.com/acme/app/.github/workflows/ci.yml@refs/heads/main'
  for (const when of [{ subject: 'Bob@example.com' }, { subjectGlob: 'Bob@*' }, { subjectGlob: 'Bob*' }]) {
    const denied = await subjectsOf('deny', when)
    for (const name of spellings) t.ok(denied(name), `${JSON.stringify(when)} ${name}`)
    t.notOk(denied('rob@example.com'))
    const allowed = await subjectsOf('allow', when)
    t.same(spellings.filter(allowed), when.subject === undefined ? ['Bob@Example.COM'] : [])
  }
  const workflow = await subjectsOf('deny', { subject: uri })
  t.ok(workflow(uri))
  t.ok(workflow(uri.replace('acme', 'ACME')), 'hosts take organizations in any letter case')
  t.notOk(workflow(uri.replace('acme', 'acne')))
  t.notOk((await subjectsOf('allow', { subject: uri }))(uri.replace('acme', 'ACME')))
})

t.test('a file of rules that cannot be meant is refused with the place', async (t) => {
  const bad: [string, RegExp][] = [
    ['{', /neither YAML nor JSON/],
    ['rules: []', /rules\.yaml: .*default/],
    ['default: maybe\nrules: []', /default/],
    ['default: deny\nrules: [{name: a, effect: allow, when: {isuer: x}}]', /rule "a" has a member "isuer"/],
    ['default: deny\nrules: [{name: a, effect: allow, when: {issuer: x}}]', /rule "a".*needs a 'chain'/],
    ['default: deny\nrules: [{name: a, effect: deny, when: {network: 10.0.0.0/40}}]', /no address or range/],
    ['default: deny\nrules: [{name: a, effect: deny, when: {kind: nonsense}}]', /no entry kind "nonsense"/],
    ['default: deny\nrules: [{name: a, effect: deny, when: {key: abc}}]', /SHA-256 of a key/],
    ['default: deny\nrules: [{name: a, effect: deny, when: {chain: none.pem}}]', /none\.pem/],
    ['default: deny\nrules: [{name: a, effect: deny, when: {emailDomain: a b}}]', /"a b" is no domain/],
    [
      'default: deny\nrules: [{name: a, effect: deny}, {name: a, effect: allow}]',
      /two rules have the name "a"/,
    ],
  ]
  for (const [text, message] of bad) {
    const file = path.join(t.testdir({ 'rules.yaml': text }), 'rules.yaml')
    await t.rejects(readPolicy(file), { name: 'AdmissionError', code: 'bad_policy', message }, text)
  }
})

t.test('a misspelt member is named, with those that there are', async (t) => {
  const rule = (when: string, more = '') =>
    `default: deny\nrules: [{ name: x, effect: allow${more}, when: { ${when} } }]`
  const sentences: readonly (readonly [string, string])[] = [
    [
      rule('emaildomain: a.example'),
      'rule "x" has a member "emaildomain", which nobody knows; there are issuer, ',
    ],
    [
      rule('kind: dsse', ', efect: deny'),
      'rule "x" has a member "efect", which nobody knows; there are name, ',
    ],
    [
      'default: deny\nrule: []',
      'the file has a member "rule", which nobody knows; there are default, chain, rules',
    ],
  ]
  for (const [text, sentence] of sentences) {
    const file = path.join(t.testdir({ 'rules.yaml': text }), 'rules.yaml')
    const error = await readPolicy(file).catch((cause: unknown) => cause as Error)
    t.ok((error as Error).message.startsWith(`${file}: ${sentence}`), (error as Error).message)
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
  const addressLimiter = addressLimiterOf(createLimiter({ rules: [{ perSecond: 0.01, burst: 2 }] }))
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
  for (const value of [ann.value.toUpperCase(), `${ann.value}.`, `"ann"@example.org`]) {
    const respelt = await post(rekor, (await ca.propose(value, { ...ann, value }, google)).proposal)
    t.equal(respelt.status, 429, `${value} is the same person`)
  }
  t.equal(
    (await post(rekor, (await ca.propose('three', { ...ann, value: 'eve@example.org' }, google)).proposal))
      .status,
    201,
  )
  t.equal((await post(rekor, proposalFor('plain 1'))).status, 201)
  t.equal((await post(rekor, proposalFor('plain 2'))).status, 429, 'a key is an identity')
  const [admitted, limited] = ['admitted', 'identity_limited']
  t.same(outcomes, [admitted, admitted, ...Array(4).fill(limited), admitted, admitted, limited])
})
