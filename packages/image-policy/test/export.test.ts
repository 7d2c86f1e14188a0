/** The same policy in the words of each engine: what is in it, and what is refused. */
import { execFileSync } from 'node:child_process'
import { memberAt } from '@sigstack/crypto'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import {
  type Engine,
  type ExportContext,
  engines,
  exportPolicy,
  type ImagePolicy,
  type Rule,
  readImagePolicy,
} from '../src/index.ts'
import { context, makeLog, newKeyPem, plain, policyOf, trustedRoot } from './policies.ts'

const provider = { url: 'https://provider.example/validate', caPem: 'PEM\n' }
const all: ExportContext = { ...context, provider }
const exact = { images: ['registry.example/team/app'] }
const exportOf = (engine: Engine, policy: ImagePolicy, more: Partial<ExportContext> = {}) =>
  exportPolicy(engine, policy, { ...all, ...more })
const textOf = (...of: Parameters<typeof exportOf>) => exportOf(...of).files[0]?.text ?? ''
const documentsOf = (...of: Parameters<typeof exportOf>) =>
  parseAllDocuments(textOf(...of), { version: '1.1' }).map((each) => each.toJS() as unknown)

/** The sentences with which it is refused; none where it is not. */
function refusals(engine: Engine, policy: ImagePolicy, more: Partial<ExportContext> = {}): readonly string[] {
  try {
    exportOf(engine, policy, more)
    return []
  } catch (error) {
    t.match(error, { name: 'ImagePolicyError', code: 'not_expressible' })
    return (error as { reasons: readonly string[] }).reasons
  }
}

t.test('what an engine can say it says, and the same way each time', async (t) => {
  for (const engine of engines) {
    const policy = policyOf(engine === 'flux' ? exact : {})
    t.same(refusals(engine, policy), [], engine)
    t.same(exportOf(engine, policy), exportOf(engine, policy))
    for (const { text } of exportOf(engine, policy).files) t.ok(text.endsWith('\n'))
  }
})

t.test('what an engine cannot say is refused by a sentence, and never dropped', async (t) => {
  const key = { key: newKeyPem() }
  const pattern: Partial<Rule> = {
    signedBy: [{ issuer: 'https://issuer.example', identityPattern: '.*@example\\.org' }],
  }
  const job = { issuer: 'https://issuer.example', identity: 'a@example.org', refPattern: 'refs/tags/*' }
  const workflow = { issuer: 'https://issuer.example', identity: 'https://ci.example/a@refs/heads/main' }
  const two = (signedBy: Rule['signedBy']): Partial<Rule> => ({ signedBy })
  const everyButOurs = engines.filter((each) => each !== 'containerd' && each !== 'gatekeeper')
  const table: readonly (readonly [ImagePolicy, readonly Engine[], RegExp, Partial<ExportContext>?])[] = [
    [
      policyOf({}, { signatures: 'bundle' }),
      ['kyverno-clusterpolicy', 'policy-controller', 'containers', 'openshift'],
      /reads legacy signatures alone|legacy signatures alone and would find none/,
    ],
    [policyOf(two([job])), everyButOurs, /compares identities alone/],
    [policyOf({ log: 'off' }), everyButOurs, /without a log .* cannot tell when/],
    [policyOf(pattern), ['kyverno-clusterpolicy'], /before 1\.13 Kyverno drops a pattern/],
    [policyOf(pattern), ['kyverno-clusterpolicy'], /before 1\.13/, { engineVersion: [1, 12] }],
    [policyOf(pattern), ['containers', 'openshift'], /has no patterns/],
    [policyOf(two([workflow])), ['containers', 'openshift'], /knows e-mail addresses alone/],
    [
      policyOf(two([{ issuer: 'https://issuer.example', identity: 'a*@example.org' }])),
      ['kyverno-clusterpolicy'],
      /as wildcards/,
    ],
    [policyOf(two([...plain.signedBy, ...plain.signedBy])), ['containers'], /takes one identity/],
    [
      policyOf(two([...plain.signedBy, key])),
      ['containers', 'flux', 'openshift'],
      /takes keys or identities/,
    ],
    [policyOf(two([key, { key: newKeyPem() }])), ['openshift'], /reads one key or one identity/],
    [policyOf({ ...exact, ...two([key]) }), ['flux'], /looks into no log where a key has signed/],
    [policyOf({ attestations: ['https://a.example'] }), ['containers', 'flux', 'openshift'], /attestations/],
    [policyOf({}, { mode: 'warn' }), ['containers', 'flux', 'openshift', 'containerd'], /cannot warn/],
    [
      policyOf({}, { otherwise: 'deny' }),
      ['kyverno', 'kyverno-clusterpolicy', 'flux', 'openshift'],
      /would not hold/,
    ],
    [policyOf(), ['flux'], /one repository at a time/],
    [policyOf({ images: ['registry.example/*'] }), ['kyverno', 'kyverno-clusterpolicy'], /goes past a slash/],
    [policyOf({ images: ['registry.example/*'] }), ['containers', 'openshift'], /is neither; end it with/],
    [
      policyOf({ images: ['docker.io/library/**'] }),
      ['kyverno', 'kyverno-clusterpolicy'],
      /pods may leave out/,
    ],
    [policyOf({ images: ['quay.io/**'] }), ['openshift'], /no node can be upgraded/],
    [policyOf(), ['kyverno'], /--tuf-mirror and --tuf-root/, { tuf: undefined }],
    [policyOf(), ['containerd'], /--program is a whole path/, { program: '/bin/a; rm' }],
    [policyOf(), ['gatekeeper'], /https alone/, { provider: { ...provider, url: 'http://p' } }],
  ]
  for (const [policy, refusing, sentence, more] of table)
    for (const engine of engines) {
      const reasons = refusals(engine, policy, more)
      t.equal(
        reasons.some((each) => sentence.test(each)),
        refusing.includes(engine),
        `${engine} ${sentence}`,
      )
    }
})

t.test('several keys of logs are refused by those who read one', async (t) => {
  const turned = { ...trustedRoot, tlogs: [...trustedRoot.tlogs, makeLog('https://log2.example', 2025)] }
  const more = { trust: { trustedRoot: turned, text: '{}' } }
  for (const engine of engines)
    t.equal(
      refusals(engine, policyOf(exact), more).some((each) => /reads one key of/.test(each)),
      engine === 'openshift' || engine === 'kyverno-clusterpolicy',
      engine,
    )
  const written = [
    { url: 'https://log.example', majorApiVersion: 1 },
    { url: 'https://log2.example', majorApiVersion: 1 },
  ]
  for (const engine of ['openshift', 'kyverno-clusterpolicy'] as const) {
    t.match(
      refusals(engine, policyOf(exact), more).join(),
      /name the instance with --profile or --data/,
      engine,
    )
    const told = refusals(engine, policyOf(exact), { ...more, rekorServices: written }).join()
    t.match(told, /reads one key of/, engine)
    t.notMatch(told, /--profile/, `${engine}: the instance has said all it knows`)
  }
  t.match(textOf('kyverno', policyOf(), more), 'url: https://log2.example', 'the log of today')
  const both = JSON.parse(textOf('containers', policyOf(), more)) as unknown
  const path = ['transports', 'docker', 'registry.example/team', 0, 'rekorPublicKeyDatas', 'length'] as const
  t.equal(memberAt(both, ...path), 2)
  const rsa = { ...trustedRoot, tlogs: [{ ...makeLog('https://log'), keyDetails: 'PKCS1_RSA_PKCS1V5' }] }
  for (const engine of ['containers', 'openshift'] as const)
    t.match(refusals(engine, policyOf(), { trust: { trustedRoot: rsa, text: '{}' } }), [/ECDSA keys of logs/])
})

t.test('a log that an engine cannot read is left out, and it is said', async (t) => {
  const v1 = makeLog('https://log.example')
  const v2 = makeLog('https://log2.example', 2025)
  const ed25519 = { ...v2, keyDetails: 'PKIX_ED25519', logId: Buffer.alloc(32, 1) }
  const trustOf = (...tlogs: readonly (typeof v1)[]) => ({
    trust: { trustedRoot: { ...trustedRoot, tlogs }, text: '{}' },
  })
  const known = { ...trustOf(v1, v2), rekorServices: [{ url: 'https://log2.example/', majorApiVersion: 2 }] }
  for (const engine of ['openshift', 'kyverno-clusterpolicy', 'containers'] as const) {
    const alone = textOf(engine, policyOf(exact), trustOf(v1)).split('\n')
    const isSame = (more: Partial<ExportContext>) => {
      const { files, notes } = exportOf(engine, policyOf(exact), more)
      t.same(
        files[0]?.text.split('\n').filter((line) => !line.startsWith('# WARNING')),
        alone,
        `${engine}: the key of v1 and no other`,
      )
      t.equal(
        notes.filter((note) => /WARNING: the key of https:\/\/log2.example is left out/.test(note)).length,
        1,
      )
    }
    isSame(known)
    isSame(trustOf(v1, ed25519))
    t.throws(
      () => exportOf(engine, policyOf(exact), { ...known, ...trustOf(v2) }),
      { code: 'incomplete' },
      engine,
    )
  }
  // The instance says where it writes to, and not of which version its other logs are.
  const written = { ...trustOf(v1, v2), rekorServices: [{ url: 'https://log.example', majorApiVersion: 1 }] }
  for (const engine of ['openshift', 'kyverno-clusterpolicy'] as const)
    t.match(
      exportOf(engine, policyOf(exact), written).notes.join(),
      /the key of https:\/\/log2.example is left out/,
    )
  t.notMatch(
    exportOf('containers', policyOf(exact), written).notes.join(),
    /left out/,
    'it reads several keys',
  )
  const key = { signedBy: [{ key: newKeyPem() }], log: 'off' as const }
  t.notMatch(
    exportOf('openshift', policyOf({ ...exact, ...key }), known).notes.join(),
    /WARNING/,
    'no log, no word',
  )
})

t.test('two rules over one scope are refused where one alone would be held', async (t) => {
  const rules = [plain, { ...plain, name: 'more', images: ['registry.example/team/app'] }]
  t.match(refusals('containers', policyOf({}, { rules })), [/rules signed and more both cover .*team\/app/])
  const apart = [plain, { ...plain, name: 'more', images: ['registry.example/team2'] }]
  t.same(refusals('containers', policyOf({}, { rules: apart })), [])
})

t.test("Kyverno's attestors each have one identity, the trusted root and the repository of it", async (t) => {
  const signedBy = [
    { issuer: 'https://issuer.example', identity: 'yes' },
    { issuer: 'https://issuer.example', identityPattern: 'a|b' },
    { key: newKeyPem() },
  ]
  const [pods, ephemeral] = documentsOf(
    'kyverno',
    policyOf({ ...exact, signedBy, attestations: ['https://t'] }),
  )
  t.match(pods, { apiVersion: 'policies.kyverno.io/v1', kind: 'ImageValidatingPolicy' })
  t.match(memberAt(pods, 'spec'), {
    validationActions: ['Deny'],
    failurePolicy: 'Fail',
    matchImageReferences: [
      { glob: 'registry.example/team/app' },
      { glob: 'registry.example/team/app:*' },
      { glob: 'registry.example/team/app@*' },
    ],
    attestors: [
      {
        cosign: {
          keyless: { identities: [{ issuer: 'https://issuer.example', subject: 'yes' }] },
          trustedRoot: { value: '{"mediaType":"a trusted root"}' },
          tuf: { mirror: 'https://trust.example/tuf', root: { data: 'eyJzaWduZWQiOnt9fQ==' } },
          ctlog: { url: 'https://log.example' },
        },
      },
      { cosign: { keyless: { identities: [{ subjectRegExp: '^(?:a|b)$' }] } } },
      { cosign: { key: { data: /BEGIN PUBLIC KEY/ }, ctlog: { insecureIgnoreSCT: true } } },
    ],
    attestations: [{ name: 't0', intoto: { type: 'https://t' } }],
  })
  const expressions = [pods, ephemeral].flatMap((each) => {
    const validations = memberAt(each, 'spec', 'validations') as readonly { expression: string }[]
    return validations.map(({ expression }) => expression)
  })
  t.equal(expressions.length, 6)
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'])
    for (const call of [
      'verifyImageSignatures(image, [attestors.a0, attestors.a1, attestors.a2])',
      'verifyAttestationSignatures(image, attestations.t0, [attestors.a0, attestors.a1, attestors.a2])',
    ])
      t.ok(expressions.includes(`images.?${list}.orValue([]).map(image, ${call}).all(e, e > 0)`), list)
  t.same(memberAt(ephemeral, 'spec', 'matchConstraints', 'resourceRules', 0, 'resources'), [
    'pods/ephemeralcontainers',
  ])
  t.match(textOf('kyverno', policyOf(), { engineVersion: [1, 16] }), 'policies.kyverno.io/v1beta1')
  t.match(
    textOf('kyverno', policyOf({}, { mode: 'warn' })),
    /validationActions:\n {4}- Warn\n {2}failurePolicy: Ignore/,
  )
})

t.test('nothing of the public instance is left to the old policy of Kyverno', async (t) => {
  const [policy] = documentsOf('kyverno-clusterpolicy', policyOf(), { engineVersion: [1, 13] })
  t.match(memberAt(policy, 'spec'), {
    validationFailureAction: 'Enforce',
    rules: [
      {
        verifyImages: [
          {
            type: 'Cosign',
            failureAction: 'Enforce',
            attestors: [
              {
                count: 1,
                entries: [
                  {
                    keyless: {
                      subject: 'ci@example.org',
                      roots: /BEGIN CERTIFICATE[^]*BEGIN CERTIFICATE/,
                      rekor: { url: 'https://log.example', pubkey: /BEGIN PUBLIC KEY/ },
                      ctlog: { pubkey: /BEGIN PUBLIC KEY/ },
                    },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  })
  const key = { signedBy: [{ key: newKeyPem() }], log: 'off' } as const
  const [old] = documentsOf('kyverno-clusterpolicy', policyOf(key))
  const path = ['spec', 'rules', 0, 'verifyImages', 0, 'attestors', 0, 'entries', 0, 'keys'] as const
  t.match(memberAt(old, ...path), { rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } })
  t.notMatch(textOf('kyverno-clusterpolicy', policyOf(key)), /failureAction:/, 'unknown before 1.13')
  const without = { trust: { trustedRoot: { ...trustedRoot, ctlogs: [] }, text: '{}' } }
  t.match(textOf('kyverno-clusterpolicy', policyOf(), without), 'ignoreSCT: true')
})

t.test(
  'each authority of policy-controller refers to the trust, for certificates and for the log',
  async (t) => {
    const signedBy = [...plain.signedBy, { key: newKeyPem() }]
    const policy = policyOf({ ...exact, signedBy, attestations: ['https://t'] })
    const [trust, signatures, attested, ...more] = documentsOf('policy-controller', policy)
    t.same(more, [])
    t.match(trust, { kind: 'TrustRoot', metadata: { name: 'images' } })
    t.match(memberAt(trust, 'spec', 'sigstoreKeys'), {
      certificateAuthorities: [{ subject: { organization: 'Example', commonName: 'Example' } }],
      tLogs: [{ baseURL: 'https://log.example', hashAlgorithm: 'sha-256' }],
      ctLogs: [{ baseURL: 'https://ct.example' }],
    })
    const ctlog = { url: 'https://log.example', trustRootRef: 'images' }
    t.match(memberAt(signatures, 'spec'), {
      images: [{ glob: 'registry.example/team/app:*' }, { glob: 'registry.example/team/app@*' }],
      authorities: [
        { keyless: { trustRootRef: 'images', identities: [{ subject: 'ci@example.org' }] }, ctlog },
        { key: { hashAlgorithm: 'sha256' }, ctlog },
      ],
    })
    t.equal(memberAt(signatures, 'spec', 'authorities', 0, 'attestations'), undefined)
    t.match(memberAt(attested, 'spec', 'authorities', 0), {
      attestations: [{ predicateType: 'https://t' }],
      ctlog,
    })
    t.match(
      textOf('policy-controller', policyOf({ images: ['docker.io/team/**'] })),
      'glob: index.docker.io/team/**',
    )
  },
)

t.test('containers/image is told what becomes of everything else, and to look for signatures', async (t) => {
  const { files } = exportOf('containers', policyOf({}, { otherwise: 'deny' }))
  const [policy, registries] = files
  t.match(JSON.parse(policy?.text ?? ''), {
    default: [{ type: 'reject' }],
    transports: {
      'containers-storage': { '': [{ type: 'insecureAcceptAnything' }] },
      docker: {
        'registry.example/team': [
          {
            type: 'sigstoreSigned',
            fulcio: { oidcIssuer: 'https://issuer.example', subjectEmail: 'ci@example.org' },
            signedIdentity: { type: 'matchRepository' },
          },
        ],
      },
    },
  })
  t.match(registries?.text, 'docker:\n  "registry.example/team":\n    use-sigstore-attachments: true\n')
  const allowing = JSON.parse(textOf('containers', policyOf())) as unknown
  t.match(allowing, { default: [{ type: 'insecureAcceptAnything' }] })
  const keys = { signedBy: [{ key: newKeyPem() }, { key: newKeyPem() }], log: 'off' } as const
  const [requirement] = memberAt(
    JSON.parse(textOf('containers', policyOf(keys))),
    'transports',
    'docker',
    'registry.example/team',
  ) as readonly object[]
  t.same(Object.keys(requirement ?? {}), ['type', 'keyDatas', 'signedIdentity'])
})

t.test('Flux is told whole identities by anchored expressions', async (t) => {
  const signedBy = [
    { issuer: 'https://issuer.example', identity: 'a+b@example.org' },
    { issuer: 'https://issuer.example', identityPattern: 'c|d' },
  ]
  const [secret, source] = documentsOf('flux', policyOf({ ...exact, signedBy }))
  t.match(secret, { kind: 'Secret', data: { 'trusted_root.json': /^[A-Za-z0-9+/]+=*$/ } })
  t.match(memberAt(source, 'spec'), {
    url: 'oci://registry.example/team/app',
    verify: {
      trustedRootSecretRef: { name: 'images-signed-trust' },
      matchOIDCIdentity: [
        { issuer: '^https://issuer\\.example$', subject: '^a\\+b@example\\.org$' },
        { subject: '^(?:c|d)$' },
      ],
    },
  })
  const keys = { ...exact, signedBy: [{ key: newKeyPem() }, { key: newKeyPem() }], log: 'off' } as const
  const [ofKeys, bySecret] = documentsOf('flux', policyOf(keys))
  t.same(Object.keys(memberAt(ofKeys, 'data') as object), ['key-0.pub', 'key-1.pub'])
  t.match(memberAt(bySecret, 'spec', 'verify'), { secretRef: { name: 'images-signed-trust' } })
  t.match(exportOf('flux', policyOf(exact)).notes, [/./, /./, /an attestation too/])
})

t.test('the program for containerd hands the image over by the digest, with policy and trust', async (t) => {
  const policy = policyOf({ signedBy: [{ issuer: 'https://i', identity: "o'$(exit 7)`x`" }] })
  const script = textOf('containerd', policy, { program: '/bin/echo' })
  const run = (...words: readonly string[]) =>
    execFileSync('/bin/sh', ['-c', script, 'verifier', ...words]).toString()
  const digest = `sha256:${'0'.repeat(64)}`
  const words = ['-digest', digest, '-stdin-media-type', 'application/vnd.oci.descriptor.v1+json']
  t.equal(
    run('-name', 'registry.example/app:v1', ...words),
    `policy test - registry.example/app:v1@${digest}\n`,
  )
  t.equal(
    run('-name', `registry.example/app@${digest}`, ...words),
    `policy test - registry.example/app@${digest}\n`,
  )
  t.throws(() => run('-name', 'registry.example/app'), { message: /Command failed/ })
  t.throws(() => run(), { message: /Command failed/ })
  const cat = script.replace('/bin/echo policy test - "${name%%@*}@$digest"', '/bin/cat')
  const inside = execFileSync('/bin/sh', ['-c', cat, 'verifier', '-name', 'a', ...words]).toString()
  t.same(readImagePolicy(inside), { ...policy, trustedRoot: context.trust?.text })
})

t.test('Gatekeeper denies on every kind of error, and needs somebody to ask', async (t) => {
  t.throws(() => exportPolicy('gatekeeper', policyOf(), context), {
    code: 'incomplete',
    message: /--provider-url/,
  })
  const [config, asked, template, constraint] = documentsOf('gatekeeper', policyOf())
  t.same(readImagePolicy(String(memberAt(config, 'data', 'policy.yaml'))).rules, policyOf().rules)
  t.match(memberAt(asked, 'spec'), { url: provider.url, caBundle: 'UEVNCg==' })
  const rego = String(memberAt(template, 'spec', 'targets', 0, 'rego'))
  t.match(rego, /answer\.system_error != ""/)
  t.match(rego, /count\(answer\.errors\) > 0/)
  t.match(rego, /not answered\[image\]/)
  t.same(
    documentsOf('gatekeeper', { ...policyOf(), name: 'second' })[2],
    template,
    'policies share the template',
  )
  t.equal(memberAt(constraint, 'spec', 'parameters', 'provider'), memberAt(asked, 'metadata', 'name'))
  t.match(constraint, { kind: memberAt(template, 'spec', 'crd', 'spec', 'names', 'kind') })
})

t.test('a policy whose trust is not given is not exported', async (t) => {
  const { trust: _, ...without } = all
  for (const engine of engines)
    t.throws(() => exportPolicy(engine, policyOf(exact), without), { code: /incomplete/ }, engine)
})
