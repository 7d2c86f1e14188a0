/** The identity configuration itself: its two spellings, its patterns, and what stops the start. */
import { join } from 'node:path'
import t from 'tap'
import { parseIssuerConfigText, readIssuerConfig } from '../src/config.ts'
import { createFindIssuer } from '../src/identity/find-issuer.ts'
import { identityOf } from '../src/identity/identity-of.ts'
import { parseIssuerConfig } from '../src/identity/issuer-config.ts'

const url = 'https://login.example.com'

const entryOf = (fields: Record<string, unknown>, issuerUrl = url, more: Record<string, unknown> = {}) =>
  parseIssuerConfig({
    'oidc-issuers': { [issuerUrl]: { 'issuer-url': issuerUrl, 'client-id': 'sigstore', ...fields } },
    ...more,
  }).issuers[0]!

t.test('the files may begin with a byte order mark, and be UTF-16 behind it', async (t) => {
  const text = `oidc-issuers: { "${url}": { issuer-url: "${url}", client-id: sigstore, type: email } }`
  const folder = t.testdir({
    marked: `\ufeff${text}`,
    windows: Buffer.from(`\ufeff${text}`, 'utf16le'),
    binary: Buffer.from([0xc3, 0x28]),
  })
  for (const name of ['marked', 'windows'])
    t.equal(readIssuerConfig({ path: join(folder, name) }).issuers[0]?.url, url, name)
  t.throws(() => readIssuerConfig({ path: join(folder, 'binary') }), /CA_CONFIG_FILE .*UTF-8/)
})

t.test('meta-issuer patterns are anchored, and a star spans no dot and no slash', async (t) => {
  const { issuers } = parseIssuerConfig({
    'oidc-issuers': {
      'https://oidc.eks.eu.amazonaws.com/id/exact': { 'client-id': 'exact', type: 'kubernetes' },
    },
    'meta-issuers': {
      'https://oidc.eks.*.amazonaws.com/id/*': { 'client-id': 'sigstore', type: 'kubernetes' },
      'https://a-b.example/*': { 'client-id': 'sigstore', type: 'kubernetes' },
    },
  })
  const find = createFindIssuer(issuers)
  t.equal(find('https://oidc.eks.eu.amazonaws.com/id/exact')?.audience, 'exact')
  t.equal(find('https://oidc.eks.eu-west_1.amazonaws.com/id/A0')?.audience, 'sigstore')
  t.ok(find('https://a-b.example/x'))
  for (const issuer of [
    'https://evil.example/?https://oidc.eks.eu.amazonaws.com/id/A0',
    'https://oidc.eks.eu.amazonaws.com/id/A0/../x',
    'https://oidc.eks.eu.amazonaws.com/id/A0\n',
    'https://oidc.eks.a.b.amazonaws.com/id/A0',
    'https://oidc.eks.evil.com/x.amazonaws.com/id/A0',
    'https://oidc.eks..amazonaws.com/id/A0',
    'https://oidc_eks.eu.amazonaws.com/id/A0',
    'HTTPS://oidc.eks.eu.amazonaws.com/id/A0',
    `https://oidc.eks.eu.amazonaws.com/id/${'a'.repeat(3000)}`,
  ])
    t.equal(find(issuer), undefined, issuer.slice(0, 80))
})

t.test('a bad configuration stops the start with the sentence of Fulcio and the issuer in it', async (t) => {
  const bad = (fields: Record<string, unknown>, message: RegExp, issuerUrl = url) =>
    t.throws(() => entryOf(fields, issuerUrl), { name: 'IssuerConfigError', message })
  bad({ type: 'kubernetes', 'issuer-claim': '$.x' }, /only email issuers can use issuer claim mapping/)
  bad({ type: 'spiffe' }, /spiffe issuer must have SPIFFETrustDomain set/)
  bad({ type: 'spiffe', 'spiffe-trust-domain': 'a b' }, /spiffe trust domain is invalid/)
  bad({ type: 'uri' }, /uri issuer must have SubjectDomain set/)
  bad({ type: 'uri', 'subject-domain': 'example.com' }, /SubjectDomain for uri must contain scheme.*login/)
  bad(
    { type: 'uri', 'subject-domain': 'http://example.com' },
    /subject \(http\) and issuer \(https\) URI schemes do not match/,
  )
  bad(
    { type: 'uri', 'subject-domain': 'https://example.org' },
    /hostname top-level and second-level domains do not match: example\.org, login\.example\.com/,
  )
  bad({ type: 'uri', 'subject-domain': 'https://localhost' }, /URI hostname too short: localhost/)
  bad({ type: 'username' }, /username issuer must have SubjectDomain set/)
  bad(
    { type: 'username', 'subject-domain': 'https://example.com' },
    /SubjectDomain for username should not contain scheme/,
  )
  bad({ type: 'username', 'subject-domain': 'example.org' }, /do not match/)
  bad({ type: 'what' }, /issuer missing challenge claim/)
  bad({ type: 'email', 'issuer-url': `${url}/` }, /must be equal/)
  bad({ type: 'email', 'client-id': '' }, /needs a client-id/)
  bad({ type: 'email', 'issuer-claim': 'x[' }, /must look like/)
  t.throws(
    () =>
      parseIssuerConfig({ 'meta-issuers': { 'https://*.example': { 'client-id': 'x', type: 'spiffe' } } }),
    { message: /SPIFFE meta issuers not supported/ },
  )
  t.throws(() => parseIssuerConfig({}), { message: /names no issuer/ })
  t.throws(() => parseIssuerConfig({ 'oidc-issuers': [] }), { message: /list of names and values/ })
  const metadata = { 'ci-issuer-metadata': { x: { 'extension-templates': { 'build-trigger': '{{ .a' } } } }
  t.throws(() => entryOf({ type: 'kubernetes' }, url, metadata), {
    message: /build-trigger of the CI provider x is no template/,
  })
})

t.test('the file is YAML with anchors, or JSON with its own spelling', async (t) => {
  const yaml = parseIssuerConfigText(`
define:
  - &common
    client-id: sigstore
    type: ci-provider
oidc-issuers:
  https://gitlab.example.com:
    <<: *common
    issuer-url: https://gitlab.example.com
    ci-provider: our-gitlab
ci-issuer-metadata:
  our-gitlab:
    default-template-values: { url: "https://gitlab.example.com", environment: "" }
    extension-templates:
      source-repository-uri: "{{ .url }}/{{ .project_path }}"
      source-repository-digest: "sha"
    subject-alternative-name-template: "https://{{ .ci_config_ref_uri }}"
`)
  const claims = {
    iss: 'https://gitlab.example.com',
    sub: 's',
    project_path: 'a/b',
    sha: 'c',
    ci_config_ref_uri: 'gitlab.example.com/a',
  }
  t.match(identityOf(yaml.issuers[0]!, claims), {
    subjectAlternativeName: { value: 'https://gitlab.example.com/a' },
    claims: { sourceRepositoryUri: 'https://gitlab.example.com/a/b', sourceRepositoryDigest: 'c' },
  })
  const json = parseIssuerConfigText(
    JSON.stringify({
      OIDCIssuers: { [url]: { IssuerURL: url, ClientID: 'sigstore', Type: 'email', IssuerClaim: '$.x' } },
      CIIssuerMetadata: {
        p: { ExtensionTemplates: { BuildTrigger: 'x' }, SubjectAlternativeNameTemplate: 'y' },
      },
    }),
  )
  t.match(json.issuers, [{ url, audience: 'sigstore', kind: { type: 'email', issuerClaim: ['x'] } }])
})

t.test('a misspelt member stops the start, since it would be passed over', async (t) => {
  const misspelt = (fields: Record<string, unknown>, message: RegExp) =>
    t.throws(() => entryOf({ type: 'email', ...fields }), { name: 'IssuerConfigError', message })
  misspelt(
    { polcy: [] },
    /the issuer https:\/\/login\.example\.com has a member "polcy", which nobody knows.* policy/,
  )
  misspelt({ POLICY: [] }, /"POLICY"/)
  misspelt({ subject_domain: 'x' }, /"subject_domain"/)
  misspelt({ clientid: 'x' }, /"clientid"/)
  misspelt({ ['x\u001b'.repeat(5000)]: 1 }, /^.{1,900}$/)
  misspelt({ policy: [], Policy: [] }, /both policy and Policy/)
  const provider = (fields: unknown) => () =>
    entryOf({ type: 'email' }, url, { 'ci-issuer-metadata': { p: fields } })
  t.throws(provider({ 'subject-alternative-name': 'x' }), { message: /"subject-alternative-name"/ })
  t.throws(provider({ 'extension-templates': { 'build-signer-url': 'x' } }), {
    message: /extension-templates of the CI provider p has a member "build-signer-url"/,
  })
})

t.test(
  'every member of Fulcio is accepted, in both spellings, and the top may hold what anchors need',
  async (t) => {
    const extensions = { issuer: 'iss', subject: 'sub', 'build-trigger': 'x' }
    const { issuers, notices } = parseIssuerConfigText(
      JSON.stringify({
        define: [{ polcy: 1 }],
        'oidc-issuers': {
          [url]: {
            'issuer-url': url,
            'client-id': 'sigstore',
            type: 'email',
            'ci-provider': '',
            'issuer-claim': '',
            'subject-domain': '',
            'spiffe-trust-domain': '',
            'challenge-claim': '',
            description: 'people',
            contact: 'mail@example.com',
            environment: 'production',
            'ca-cert': '',
            'skip-email-verification': false,
          },
        },
        'ci-issuer-metadata': { p: { 'extension-templates': extensions } },
      }),
    )
    t.equal(issuers.length, 1)
    t.equal(notices, undefined)
    const json = parseIssuerConfig({
      OIDCIssuers: {
        [url]: {
          IssuerURL: url,
          ClientID: 'sigstore',
          Type: 'email',
          Description: '',
          Contact: '',
          Environment: '',
          SPIFFETrustDomain: '',
          SkipEmailVerification: true,
        },
      },
      CIIssuerMetadata: { p: { ExtensionTemplates: { Issuer: 'x', Subject: 'y', BuildTrigger: 'z' } } },
      'oidc-isuers': {},
    })
    t.same(json.notices, [
      'the identity configuration has "oidc-isuers" at the top, which means nothing here',
    ])
  },
)
