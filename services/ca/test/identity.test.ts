import t, { type Test } from 'tap'
import type { Claims } from '../src/identity/claims.ts'
import { isEmailAddress } from '../src/identity/email-address.ts'
import { goText } from '../src/identity/go-text.ts'
import { identityOf } from '../src/identity/identity-of.ts'
import { parseIssuerConfig } from '../src/identity/issuer-config.ts'
import { parseTemplate, renderTemplate } from '../src/identity/template.ts'
import { gitHubClaims } from './support/tokens.ts'

const url = 'https://login.example.com'

const entryOf = (fields: Record<string, unknown>, issuerUrl = url, more: Record<string, unknown> = {}) =>
  parseIssuerConfig({
    'oidc-issuers': { [issuerUrl]: { 'issuer-url': issuerUrl, 'client-id': 'sigstore', ...fields } },
    ...more,
  }).issuers[0]!

const identity = (fields: Record<string, unknown>, claims: Claims, issuerUrl = url) =>
  identityOf(entryOf(fields, issuerUrl), { iss: issuerUrl, sub: 'user-17', ...claims })

const refused = (t: Test, attempt: () => unknown, message: RegExp, refusal?: string) =>
  t.throws(attempt, {
    name: 'IssuanceError',
    message,
    ...(refusal === undefined ? {} : { code: 'identity_token_rejected', refusal }),
  })

t.test('email: address as SAN, sub as F.24, proof over email and then sub', async (t) => {
  t.same(identity({ type: 'email' }, { email: 'a@example.com', email_verified: true }), {
    subjectAlternativeName: { type: 'email', value: 'a@example.com' },
    claims: { issuer: url, subject: 'user-17' },
    proofSubjects: ['a@example.com', 'user-17'],
  })
  for (const verified of ['true', 'True'])
    t.ok(identity({ type: 'email' }, { email: 'a@example.com', email_verified: verified }))
  t.ok(identity({ type: 'email', 'skip-email-verification': true }, { email: 'a@example.com' }))
})

t.test('issuer rules: unverified email, email without dot in domain, non-ASCII email', async (t) => {
  const email = (claims: Claims) => () => identity({ type: 'email' }, claims)
  refused(t, email({}), /^the claim email is missing/, 'claim_missing')
  refused(t, email({ email: 7 }), /^email is 7 but/, 'claim_malformed')
  refused(
    t,
    email({ email: 'a@example.com' }),
    /^email_verified is null but must be true/,
    'email_not_verified',
  )
  for (const verified of [false, 'false', 'False'])
    refused(
      t,
      email({ email: 'a@example.com', email_verified: verified }),
      /^email_verified is/,
      'email_not_verified',
    )
  for (const verified of [1, 'TRUE', null, ['true']])
    refused(
      t,
      email({ email: 'a@example.com', email_verified: verified }),
      /^email_verified is/,
      'claim_malformed',
    )
  for (const address of [
    'a@localhost',
    'a@10.0.0.1',
    'plain',
    'a b@example.com',
    '@example.com',
    'a@b@',
    'a@x..com',
  ])
    refused(t, email({ email: address, email_verified: true }), /must be an address/, 'email_implausible')
  for (const address of ['älice@example.com', 'a@exämple.com', 'a@example.com\u0000é'])
    refused(t, email({ email: address, email_verified: true }), /ASCII/, 'email_implausible')
})

t.test('an address in quotation marks, which can hold another one or a URI, is refused', async (t) => {
  for (const local of [
    'ab',
    'a@evil.example',
    ' a@evil.example',
    'https://github.com/o/r',
    'a b',
    'a,b',
    'a<b',
    'a(b)',
  ])
    refused(
      t,
      () => identity({ type: 'email' }, { email: `"${local}"@example.com`, email_verified: true }),
      /no part in quotation marks/,
      'email_implausible',
    )
  refused(
    t,
    () => identity({ type: 'username', 'subject-domain': 'example.com' }, { sub: '"a@b.co"@example.com' }),
    /email address/,
    'subject_refused',
  )
})

t.test('email syntax follows the expression of govalidator, without its hunger for time', async (t) => {
  for (const address of [
    'a@b.co',
    'a.b+c@x-y.example.org',
    '"a b"@example.com',
    "o'neil@example.com",
    'a@b_c.com',
    'a@example.com.',
  ])
    t.ok(isEmailAddress(address), address)
  for (const address of [
    '',
    'a',
    'a.@b.co',
    '.a@b.co',
    'a..b@c.co',
    'a@-b.co',
    'a@b.c0',
    'a@b.-c',
    'a@.co',
    '"a@b.co',
    'a\n@b.co',
    `${'a'.repeat(400)}@b.co`,
  ])
    t.notOk(isEmailAddress(address), address)
  const begun = performance.now()
  isEmailAddress(`${'a.'.repeat(150)}!@`)
  isEmailAddress(`"${'\\'.repeat(300)}`)
  t.ok(performance.now() - begun < 60_000)
})

t.test('issuer-claim takes the issuer from a claim, and misses it loudly', async (t) => {
  const fields = { type: 'email', 'issuer-claim': '$.federated_claims.connector_id' }
  const person = { email: 'a@example.com', email_verified: true }
  const connector = 'https://accounts.example.net'
  t.equal(
    identity(fields, { ...person, federated_claims: { connector_id: connector } }).claims.issuer,
    connector,
  )
  t.equal(
    identity({ ...fields, 'issuer-claim': "$['a b'][1]" }, { ...person, 'a b': ['x', 12] }).claims.issuer,
    '12',
  )
  refused(
    t,
    () => identity(fields, person),
    /\$\.federated_claims\.connector_id.* is missing/,
    'claim_missing',
  )
  refused(t, () => identity(fields, { ...person, federated_claims: 'x' }), /missing/, 'claim_missing')
  refused(
    t,
    () => identity(fields, { ...person, federated_claims: { connector_id: {} } }),
    /must be the text/,
    'claim_malformed',
  )
  refused(
    t,
    () => identity({ ...fields, 'issuer-claim': '$.constructor' }, person),
    /missing/,
    'claim_missing',
  )
})

t.test('issuer rules: uri with other host or scheme, or an email address', async (t) => {
  const fields = { type: 'uri', 'subject-domain': 'https://users.example.com' }
  const of = (sub: string) => identity(fields, { sub })
  t.same(of('https://users.example.com:8443/alice').subjectAlternativeName, {
    type: 'uri',
    value: 'https://users.example.com:8443/alice',
  })
  for (const sub of [
    'https://users.example.org/alice',
    'http://users.example.com/alice',
    'https://evil.users.example.com/',
    'https://users.example.com@evil.org/',
  ])
    refused(
      t,
      () => of(sub),
      /^sub is .* but must be a URI of https:\/\/users\.example\.com/,
      'subject_refused',
    )
  refused(t, () => of('alice@example.com'), /email address/, 'subject_refused')
  refused(t, () => of('alice'), /^sub is "alice" but must be a URI/, 'subject_refused')
})

t.test('issuer rules: username with "!", or an email address', async (t) => {
  const fields = { type: 'username', 'subject-domain': 'example.com' }
  t.same(identity(fields, { sub: 'alice' }).subjectAlternativeName, {
    type: 'username',
    value: 'alice!example.com',
  })
  refused(t, () => identity(fields, { sub: 'a!b' }), /"!"/, 'subject_refused')
  refused(t, () => identity(fields, { sub: 'a@example.com' }), /email address/, 'subject_refused')
})

t.test('issuer rules: other SPIFFE trust domain, and what is no SPIFFE ID', async (t) => {
  const fields = { type: 'spiffe', 'spiffe-trust-domain': 'example.com' }
  const of = (sub: string) => identity(fields, { sub })
  t.equal(of('spiffe://example.com/ns/a').subjectAlternativeName.value, 'spiffe://example.com/ns/a')
  refused(t, () => of('spiffe://example.org/ns/a'), /trust domain "example\.com"/, 'subject_refused')
  for (const sub of [
    'spiffe://example.com/',
    'spiffe://example.com/a/../b',
    'spiffe://example.com/a//b',
    'spiffe://example.com:80/a',
    'spiffe://u@example.com/a',
    'spiffe://example.com/a?x',
    'SPIFFE://example.com/a',
    'spiffe://example.com/ä',
    'https://example.com/a',
  ])
    refused(t, () => of(sub), /must be a SPIFFE ID/, 'subject_refused')
})

t.test('kubernetes: namespace and service account, both as Kubernetes names things', async (t) => {
  const of = (about: unknown) => () => identity({ type: 'kubernetes' }, { 'kubernetes.io': about as string })
  t.equal(
    of({ namespace: 'build', serviceaccount: { name: 'signer.x' } })().subjectAlternativeName.value,
    'https://kubernetes.io/namespaces/build/serviceaccounts/signer.x',
  )
  for (const about of [
    undefined,
    null,
    'x',
    [],
    {},
    { namespace: 'a' },
    { namespace: '', serviceaccount: { name: 'b' } },
    { namespace: 'a/b', serviceaccount: { name: 'c' } },
    { namespace: 'a', serviceaccount: { name: '..' } },
    { namespace: 'a', serviceaccount: { name: 'B' } },
  ])
    refused(t, of(about), /^kubernetes\.io/, 'claim_malformed')
})

t.test('a missing CI claim is told by name, as Fulcio words it', async (t) => {
  const issuer = 'https://token.actions.githubusercontent.com'
  const fields = { type: 'ci-provider', 'ci-provider': 'github-workflow' }
  const without = (name: string) => () => {
    const { [name as 'sha']: _, ...claims } = gitHubClaims
    return identity(fields, claims, issuer)
  }
  t.throws(without('job_workflow_sha'), {
    code: 'extension_unavailable',
    message: `value <job_workflow_sha> not present in either claims or defaults. {\n\t"ExtensionName": "BuildSignerDigest",\n\t"Issuer": "${issuer}"\n}`,
  })
  t.throws(without('run_id'), {
    code: 'extension_unavailable',
    message: /map has no entry for key "run_id"$/,
  })
  for (const name of Object.keys(gitHubClaims).filter((claim) => claim !== 'sub'))
    t.throws(without(name), { name: 'IssuanceError' }, name)
  refused(
    t,
    () => identity({ ...fields, 'ci-provider': 'none' }, gitHubClaims, issuer),
    /"none", which is not configured/,
    'provider_not_configured',
  )
  const custom = entryOf({ type: 'ci-provider', 'ci-provider': 'bare' }, url, {
    'ci-issuer-metadata': { bare: {} },
  })
  t.throws(() => identityOf(custom, { iss: url, sub: 'x' }), {
    code: 'extension_unavailable',
    message: `SubjectAlternativeNameTemplate should not be empty. Issuer: ${url}`,
  })
})

t.test('templates: what the stock configuration uses, and clear words for the rest', async (t) => {
  const values = new Map([
    ['a', 'A'],
    ['empty', ''],
    ['odd/key', 'K'],
    ['html', '<&>'],
  ])
  const render = (source: string) => renderTemplate(parseTemplate(source), values)
  const rendered: [string, string][] = [
    ['x', 'x'],
    ['{{ .a }}-{{.a}}', 'A-A'],
    ['{{ index . "odd/key" }}{{ index . "none" }}', 'K'],
    ['{{ if eq .a "A" }}yes{{ else }}no{{ end }}', 'yes'],
    ['{{ if eq (index . "odd/key") "x" "K" }}yes{{ end }}', 'yes'],
    ['{{if .empty}}yes{{else}}{{if .a}}inner{{end}}{{end}}', 'inner'],
    ['a {{- .a -}} b', 'aAb'],
    ['{{ "}}" }}{{ `x` }}{{/* note */}}', '}}x'],
    ['{{ .html }}', '<&>'],
  ]
  for (const [source, expected] of rendered) t.equal(render(source), expected, source)
  t.throws(() => render('{{ .none }}'), {
    name: 'TemplateError',
    message: /map has no entry for key "none"$/,
  })
  for (const source of [
    '{{',
    '{{ }}',
    '{{ .a',
    '{{ if .a }}x',
    '{{ end }}',
    '{{ else }}',
    '{{ .a | upper }}',
    '{{ printf "x" }}',
    '{{ .a.b }}',
    '{{ index .a }}',
    '{{ eq .a }}',
    '{{ (.a }}',
    `${'{{ if .a }}'.repeat(40)}${'{{ end }}'.repeat(40)}`,
  ])
    t.throws(() => parseTemplate(source), { name: 'TemplateError' }, source.slice(0, 40))
})

t.test('claim values become text as Go prints them', async (t) => {
  for (const [value, text] of [
    [1e21, '1000000000000000000000'],
    [1.5e-7, '0.00000015'],
    [0.5, '0.5'],
    [-3, '-3'],
    [true, 'true'],
    [null, '<nil>'],
    [['a', 1], '[a 1]'],
    [{ b: 1, a: 'x' }, 'map[a:x b:1]'],
  ] as const)
    t.equal(goText(value), text)
})
