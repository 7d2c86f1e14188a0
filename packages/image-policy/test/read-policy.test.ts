/** The file of a policy, and whom it accepts. */
import t from 'tap'
import { matchesImage } from '../src/image-pattern.ts'
import { needsTrust, readImagePolicy, rulesFor, signerOf, writeImagePolicy } from '../src/index.ts'
import { newKeyPem, policyOf } from './policies.ts'

const text = (rule: string, head = 'version: 1\nname: images\n') =>
  `${head}rules:\n  - name: signed\n${rule.trimEnd().replaceAll(/^/gm, '    ')}\n`
const images = 'images: [registry.example/app]\n'
const signedBy = 'signedBy: [{ issuer: https://issuer.example, identity: a@example.org }]\n'

t.test(
  'a policy that was written is read as it was, with words that other YAML takes for truths',
  async (t) => {
    const policies = [
      policyOf(),
      policyOf({ log: 'off', signedBy: [{ key: newKeyPem() }, { key: newKeyPem() }] }),
      policyOf({ attestations: ['https://slsa.dev/provenance/v1'] }, { mode: 'warn', otherwise: 'deny' }),
      policyOf(
        { name: 'yes', signedBy: [{ issuer: 'https://i', sourceRepository: 'https://s', refPattern: '**' }] },
        { name: 'no', signatures: 'legacy', trustedRoot: '{\n  "a": "#: -"\n}\n' },
      ),
      policyOf({ signedBy: [{ issuer: 'https://i', identityPattern: '#[a-z]*: \\d+"\'' }] }),
    ]
    for (const policy of policies) t.same(readImagePolicy(writeImagePolicy(policy)), policy)
  },
)

t.test('what is left out has its default', async (t) => {
  t.same(readImagePolicy(text(images + signedBy)), {
    name: 'images',
    mode: 'enforce',
    otherwise: 'allow',
    signatures: 'bundle',
    rules: [
      {
        name: 'signed',
        images: ['registry.example/app'],
        signedBy: [{ issuer: 'https://issuer.example', identity: 'a@example.org' }],
        attestations: [],
        log: 'required',
      },
    ],
  })
})

t.test('each thing that is wrong with a file has a sentence that names it', async (t) => {
  const signer = (members: string) => text(`${images}signedBy: [{ ${members} }]`)
  const pattern = (image: string) => text(`images: ['${image}']\n${signedBy}`)
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['[', /is no YAML/],
    ['a', /the policy must be a mapping/],
    ['version: 2', /version must be 1/],
    ['version: 1\nrule: []', /the policy has a member "rule"; it may have version/],
    ['version: 1\nname: a\nrules: []', /rules must be a list of at least 1/],
    [text(images + signedBy, 'version: 1\nname: A_b\n'), /name must be lower-case/],
    [text(images + signedBy, 'version: 1\nname: a\nmode: audit\n'), /mode must be one of enforce, warn/],
    [text(images + signedBy, 'version: 1\nname: a\ntrustedRoot: {}\n'), /trustedRoot must be the text/],
    [`${text(images + signedBy)}  - { name: signed, ${images.trim()}, ${signedBy.trim()} }`, /two rules/],
    [text(images), /rules\[0\]\.signedBy must be a list of at least 1/],
    [text(`${images}${signedBy}attestations: [provenance]`), /attestations\[0\] is no predicate type/],
    [text(`${images}${signedBy}log: optional`), /rules\[0\]\.log must be one of required, off/],
    [signer('issuer: https://i'), /signedBy\[0\] says nobody/],
    [signer('issuer: https://i, refPattern: refs/tags/*'), /says nobody/],
    [signer('identity: a'), /issuer must be a text/],
    [signer('issuer: https://i, identity: a, identityPattern: b'), /an identity and a pattern for it/],
    [signer('issuer: https://i, identityPattern: "("'), /identityPattern: the pattern is not .* RE2/],
    [signer('issuer: https://i, identityPattern: "a)|(?:b"'), /identityPattern: the pattern is not .* RE2/],
    [signer('key: x'), /key is no public key in PEM/],
    [signer('key: x, issuer: https://i'), /has a member "issuer"; it may have key/],
    [signer('identity: "", issuer: https://i'), /identity must be a text that is not empty/],
    [pattern('app'), /has no registry/],
    [pattern('team/app'), /has no registry/],
    [pattern('registry.example/app:v1'), /has a tag/],
    [pattern('registry.example/app@sha256:0'), /has characters that no repository has/],
    [pattern('registry.example//app'), /has an empty part/],
    [pattern('registry.example/***'), /has an empty part/],
    [text(`${images}a: &a [1]\nb: *a\n${signedBy}`), /is no YAML|member/],
  ]
  for (const [file, complaint] of wrong)
    t.throws(
      () => readImagePolicy(file),
      { name: 'ImagePolicyError', code: 'bad_policy', message: complaint },
      file,
    )
})

t.test(
  'a pattern covers repositories and their parts as it says, and Docker Hub by both names',
  async (t) => {
    const cases: readonly (readonly [string, string, boolean])[] = [
      ['registry.example/app', 'registry.example/app', true],
      ['registry.example/app', 'registry.example/app-evil', false],
      ['registry.example/app', 'registry.example/app/more', false],
      ['registry.example/*', 'registry.example/team/app', false],
      ['registry.example/**', 'registry.example/team/app', true],
      ['registry.example/**', 'registry.example.evil/app', false],
      ['registry.example:5000/team/**', 'registry.example:5000/team/app', true],
      ['docker.io/library/**', 'index.docker.io/library/alpine', true],
      ['index.docker.io/library/**', 'index.docker.io/library/alpine', true],
      ['**', 'index.docker.io/library/alpine', true],
    ]
    for (const [pattern, repository, expected] of cases)
      t.equal(matchesImage(pattern, repository), expected, `${pattern} ${repository}`)
    for (const name of [
      'Registry.Example',
      'registry.example:443',
      'registry.example.',
      'REGISTRY.EXAMPLE.:443',
    ])
      t.equal(matchesImage('registry.example/team/**', `${name}/team/app`), true, `one registry: ${name}`)
    t.equal(matchesImage('Registry.Example:443/team/*', 'registry.example/team/app'), true)
    t.equal(matchesImage('registry.example/**', 'registry.example:4430/app'), false)
    t.equal(rulesFor(policyOf(), 'registry.example/team/app').length, 1)
    t.equal(rulesFor(policyOf(), 'registry.example/other').length, 0)
  },
)

t.test('a pattern for identities covers the whole of one', async (t) => {
  const signer = signerOf({ issuer: 'https://i', identityPattern: 'a|b' })
  const pattern = 'policy' in signer ? signer.policy?.subject?.pattern : undefined
  for (const [name, expected] of [
    ['a', true],
    ['b', true],
    ['ab', false],
    ['ba', false],
  ] as const)
    t.equal(pattern?.matcher(name).find(), expected, name)
})

t.test('trust is needed unless keys sign without a log', async (t) => {
  const key = { key: newKeyPem() }
  t.equal(needsTrust(policyOf()), true)
  t.equal(needsTrust(policyOf({ signedBy: [key] })), true)
  t.equal(needsTrust(policyOf({ signedBy: [key], log: 'off' })), false)
  t.equal(needsTrust(policyOf({ log: 'off' })), true)
})
