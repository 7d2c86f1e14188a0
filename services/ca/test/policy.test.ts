import t from 'tap'
import type { Claims } from '../src/identity/claims.ts'
import { parseIssuerConfig } from '../src/identity/issuer-config.ts'
import { decide } from '../src/identity/policy.ts'
import { parsePolicy, withPolicyFile } from '../src/identity/policy-config.ts'
import { createClientKey, emailToken, person, postV2, startHarness, v2Body } from './support/harness.ts'

const rules = (value: unknown, provider?: string) => parsePolicy(value, 'the issuer', provider)
const allows = (list: unknown, claims: Claims, provider = 'github-workflow') =>
  decide(rules(list, provider), claims).allowed

t.test(
  'without a rule that matches: refused where rules allow, permitted where they only deny',
  async (t) => {
    const allow = { name: 'ours', allow: { organization: 'acme' } }
    const deny = { name: 'forks', deny: { claims: { event_name: 'pull_request' } } }
    const ours = { repository_owner: 'acme' }
    t.same(decide(rules([allow], 'github-workflow'), ours), { allowed: true, rule: 'ours' })
    t.same(decide(rules([allow], 'github-workflow'), { repository_owner: 'acme2' }), {
      allowed: false,
      rule: undefined,
      tried: ['ours'],
    })
    t.same(decide(rules([deny]), {}), { allowed: true, rule: undefined })
    for (const order of [
      [allow, deny],
      [deny, allow],
    ])
      t.match(decide(rules(order, 'github-workflow'), { ...ours, event_name: 'pull_request' }), {
        allowed: false,
        rule: 'forks',
      })
  },
)

t.test('exact, prefix, glob, list and present; all conditions of a rule must hold', async (t) => {
  const one = (matcher: unknown, value: Claims[string] | undefined, expected: boolean) =>
    t.equal(
      allows([{ name: 'r', allow: { claims: { x: matcher } } }], value === undefined ? {} : { x: value }),
      expected,
      `${JSON.stringify(matcher)} ${JSON.stringify(value)}`,
    )
  one('a', 'a', true)
  one('a', 'A', false)
  one(['a', 'b'], 'b', true)
  one({ exact: 'a' }, 'a', true)
  one({ prefix: 'refs/tags/' }, 'refs/tags/v1', true)
  one({ prefix: 'refs/tags/' }, 'x/refs/tags/v1', false)
  one({ glob: 'acme/*' }, 'acme/app', true)
  one({ glob: 'acme/*' }, 'acme/app/sub', false)
  one({ glob: 'acme/**' }, 'acme/app/sub', true)
  one({ glob: ['x', 'rel-*-?'] }, 'rel-1-?', true)
  one({ present: true }, '', true)
  one({ present: false }, undefined, true)
  one({ present: false }, 'x', false)
  one({ present: true }, null, false)
  one('7', 7, true)
  one('true', true, true)
  one('a', ['z', 'a'], true)
  one('a', [['a']], false)
  one('a', { a: 'a' }, false)
  one('a', undefined, false)
  const both = [{ name: 'r', allow: { organization: 'acme', ref: { prefix: 'refs/tags/' } } }]
  t.equal(allows(both, { repository_owner: 'acme', ref: 'refs/tags/v1' }), true)
  t.equal(allows(both, { repository_owner: 'acme', ref: 'refs/heads/main' }), false)
  t.equal(allows(both, { repository_owner: 'acme' }), false)
})

t.test('short names mean the claims of each provider; members of claims are reached by path', async (t) => {
  const organization = [{ name: 'r', allow: { organization: 'acme' } }]
  for (const [provider, claim] of [
    ['github-workflow', 'repository_owner'],
    ['forgejo-workflow', 'repository_owner'],
    ['gitlab-pipeline', 'namespace_path'],
    ['buildkite-job', 'organization_slug'],
    ['codefresh-workflow', 'account_name'],
    ['buddy-pipeline', 'workspace_domain'],
  ] as const)
    t.equal(allows(organization, { [claim]: 'acme' }, provider), true, provider)
  t.equal(allows([{ name: 'r', allow: { environment: 'live' } }], { environment: 'live' }), true)
  t.equal(allows([{ name: 'r', allow: { repository: 'acme/app' } }], { repository: 'acme/app' }), true)
  t.equal(allows([{ name: 'r', allow: { group: 'ops' } }], { groups: ['dev', 'ops'] }, 'email'), true)
  const domain = [{ name: 'r', allow: { 'email-domain': 'Example.com' } }]
  t.equal(allows(domain, { email: 'a@EXAMPLE.com' }, 'email'), true)
  t.equal(allows(domain, { email: 'a@example.com.evil.org' }, 'email'), false)
  t.equal(allows(domain, { email: 'example.com' }, 'email'), false)
  const path = [{ name: 'r', allow: { claims: { '$.realm_access.roles': 'signer' } } }]
  t.equal(allows(path, { realm_access: { roles: ['signer'] } }), true)
  t.equal(allows(path, { realm_access: 'signer' }), false)
  t.equal(allows(path, { '$.realm_access.roles': 'signer' }), false)
  const dotted = [{ name: 'r', allow: { claims: { 'oidc.circleci.com/project-id': 'p' } } }]
  t.equal(allows(dotted, { 'oidc.circleci.com/project-id': 'p' }), true)
})

t.test('a domain is compared as the DNS compares it, without its subdomains', async (t) => {
  const denied = (domain: unknown, email: string) =>
    !allows([{ name: 'r', deny: { 'email-domain': domain } }], { email }, 'email')
  for (const [domain, email, expected] of [
    ['evil.example', 'm@evil.example.', true],
    ['evil.example.', 'm@EVIL.Example', true],
    ['evil.example', '"a@b"@evil.example', true],
    ['bücher.example', 'm@xn--bcher-kva.example', true],
    ['xn--bcher-kva.example', 'm@XN--BCHER-kva.example.', true],
    ['evil.example', 'm@sub.evil.example', false],
    ['evil.example', 'm@notevil.example', false],
    [{ glob: '*.evil.example' }, 'm@a.b.Evil.example.', true],
    [{ glob: ['*.bücher.example'] }, 'm@a.xn--bcher-kva.example', true],
    [{ prefix: 'Evil.' }, 'm@evil.example', true],
  ] as const)
    t.equal(denied(domain, email), expected, `${JSON.stringify(domain)} ${email}`)
  t.throws(() => rules([{ name: 'r', deny: { 'email-domain': 'a b' } }], 'email'), {
    name: 'IssuerConfigError',
    message: /email-domain "a b", which is no domain/,
  })
})

t.test('a star of a rule that denies goes past a slash, so that nobody slips through', async (t) => {
  const claims = { repository: 'acme/tools/app' }
  const rule = (effect: string) => [{ name: 'r', [effect]: { repository: { glob: 'acme/*' } } }]
  t.notOk(allows(rule('allow'), claims), 'the name is deeper than the rule says')
  t.notOk(allows(rule('deny'), claims), 'the name may be meant')
  t.ok(allows(rule('deny'), { repository: 'other/app' }))
})

t.test('no letter case of a name gets past a rule that denies it, and none is let in by one', async (t) => {
  const decided = (effect: string, condition: object, claims: Claims) =>
    allows([{ name: 'r', [effect]: condition }], claims, 'email')
  const spellings = ['m@evil.example', 'M@evil.example', 'm@Evil.Example.', '"m"@evil.example']
  for (const matcher of ['m@evil.example', 'M@EVIL.example', { prefix: 'M@Evil.' }, { glob: 'M@*.example' }])
    for (const email of spellings) {
      t.notOk(
        decided('deny', { claims: { email: matcher } }, { email }),
        `${JSON.stringify(matcher)} ${email}`,
      )
      t.notOk(decided('deny', { subject: matcher }, { sub: email }))
    }
  t.ok(decided('deny', { claims: { email: 'm@evil.example' } }, { email: 'n@evil.example' }))
  t.same(
    spellings.filter((email) => decided('allow', { claims: { email: 'm@evil.example' } }, { email })),
    ['m@evil.example'],
  )
  const organization = (effect: string) => [{ name: 'r', [effect]: { organization: 'ACME' } }]
  t.notOk(allows(organization('deny'), { repository_owner: 'acme' }))
  t.notOk(allows(organization('allow'), { repository_owner: 'acme' }))
})

t.test('a policy that cannot be meant stops the start', async (t) => {
  const bad = (value: unknown, message: RegExp, provider?: string) =>
    t.throws(() => rules(value, provider), { name: 'IssuerConfigError', message }, String(message))
  bad({}, /must be a list/)
  bad([], /must be a list/)
  bad([{ allow: { ref: 'x' } }], /has no name/)
  bad([{ name: 'a' }], /allow or deny/)
  bad([{ name: 'a', allow: { group: 'x' }, deny: { group: 'x' } }], /one of them only/)
  bad([{ name: 'a', allow: {} }], /has no condition/)
  bad([{ name: 'a', allow: { claims: {} } }], /has no condition/)
  bad([{ name: 'a', permit: { group: 'x' } }], /knows no permit/)
  bad([{ name: 'a', allow: { repo: 'x' } }], /knows no repo; claims go under/)
  bad([{ name: 'a', allow: { organization: 'x' } }], /has no meaning for our-own/, 'our-own')
  bad([{ name: 'a', allow: { 'email-domain': 'x' } }], /only issuers of type email/, 'github-workflow')
  bad([{ name: 'a', allow: { group: { regex: '.*' } } }], /one of exact, prefix, glob and present/)
  bad([{ name: 'a', allow: { group: [] } }], /empty list/)
  bad([{ name: 'a', allow: { group: '' } }], /must be a text/)
  bad([{ name: 'a', allow: { claims: { '$x[': 'y' } } }], /must look like/)
  bad(
    [
      { name: 'a', allow: { group: 'x' } },
      { name: 'a', deny: { group: 'x' } },
    ],
    /two rules/,
  )
})

t.test('a policy file adds to what issuers have, and knows no issuer that is not configured', async (t) => {
  const url = 'https://login.example.com'
  const other = 'https://other.example.com'
  const policy = [{ name: 'own', deny: { subject: 'mallory' } }]
  const { issuers } = parseIssuerConfig({
    'oidc-issuers': {
      [url]: { 'client-id': 'sigstore', type: 'email', policy },
      [other]: { 'client-id': 'sigstore', type: 'email' },
    },
  })
  const all = [{ name: 'all', deny: { subject: 'robot' } }]
  const one = [{ name: 'one', allow: { 'email-domain': 'example.com' } }]
  const names = withPolicyFile(issuers, { policies: { '*': all, [url]: one } }).map((issuer) =>
    issuer.policy?.rules.map(({ name }) => name),
  )
  t.same(names, [['own', 'all', 'one'], ['all']])
  const bad = (value: unknown, message: RegExp) =>
    t.throws(() => withPolicyFile(issuers, value), { name: 'IssuerConfigError', message })
  bad({ policies: { 'https://login.example.com/': one } }, /which is no configured issuer/)
  bad({ policies: { [url]: policy } }, /two rules of/)
  bad({ rules: {} }, /knows no rules/)
  bad({ policies: { [url]: {} } }, /must be a list/)
})

t.test(
  'a refusal is 403 code 7 and names the rule; the audit record has it, and so do the metrics',
  async (t) => {
    const policy = [
      { name: 'our people', allow: { 'email-domain': 'example.com' } },
      { name: 'no robots', deny: { subject: { prefix: 'robot-' } } },
    ]
    const url = 'https://login.example.com'
    const harness = await startHarness({
      config: { 'oidc-issuers': { [url]: { 'client-id': 'sigstore', type: 'email', policy } } },
    })
    const key = createClientKey()
    const post = async (claims: Record<string, unknown>, proof = person.email) =>
      postV2(harness, v2Body(await emailToken(harness, claims), key, key.prove(proof)))
    const good = await post({})
    t.equal(good.statusCode, 200)
    const robot = await post({ sub: 'robot-1' })
    t.equal(robot.statusCode, 403)
    t.match(robot.json(), {
      code: 7,
      message:
        /^The issuance policy does not permit a certificate for this identity: the rule "no robots" denies it \(policy_refused, request /,
      details: [],
    })
    const stranger = await post({ email: 'eve@evil.org' }, 'eve@evil.org')
    t.equal(stranger.statusCode, 403)
    t.match(stranger.json().message, /none of the rules that allow matches this identity: "our people"/)
    const audits = harness.logLines
      .map((line) => JSON.parse(line) as { audit?: Record<string, unknown> })
      .flatMap(({ audit }) => (audit === undefined || audit['decision'] === 'signing' ? [] : [audit]))
    t.match(audits, [
      { decision: 'issued', rule: 'our people', subject: person.sub },
      {
        decision: 'refused',
        code: 'policy_refused',
        rule: 'no robots',
        subject: 'robot-1',
        subjectAlternativeName: person.email,
      },
      { decision: 'refused', code: 'policy_refused', subject: person.sub },
    ])
    t.match(await harness.metricsText(), /ca_refusals_total\{reason="policy_refused"\} 2/)
    t.equal(harness.ctLog.requests, 1, 'nothing refused reaches the CT log')
    await harness.stop()
  },
)
