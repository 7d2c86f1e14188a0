import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { gitHubClaims } from '../../../services/ca/test/support/tokens.ts'
import { runCommand } from './support.ts'

const run = (words: readonly string[], input = '') => runCommand(words, {}, Buffer.from(input))

const gitHub = 'https://token.actions.githubusercontent.com'
const config = `
oidc-issuers:
  ${gitHub}:
    issuer-url: ${gitHub}
    client-id: sigstore
    type: ci-provider
    ci-provider: github-workflow
    policy:
      - { name: ours, allow: { organization: acme } }
      - { name: no forks, deny: { claims: { event_name: pull_request_target } } }
`
const claims = { ...gitHubClaims, workflow: 'Release it' }
const token = (more: Record<string, unknown> = {}, iss = gitHub) =>
  signed({ aud: 'sigstore', exp: Math.floor(Date.now() / 1000) + 60, ...claims, ...more, iss })
/** With a signature that nobody looks at. */
const signed = (payload: Record<string, unknown>) =>
  [{ alg: 'RS256' }, payload, 'signature'].map((part) => base64Url(JSON.stringify(part))).join('.')
const base64Url = (text: string) => Buffer.from(text).toString('base64url')
const file = join(t.testdir({ 'config.yaml': config, 'policy.yaml': 'policies: {}' }), 'config.yaml')
const explain = (text: string, ...more: readonly string[]) =>
  run(['ca', 'explain', '--config', file, '--token', '-', ...more], text)

t.test('a good token: issuer, rule, and every line of the certificate', async (t) => {
  const { status, out, err } = await explain(`${token()}\n`)
  t.equal(status, 0, err)
  t.match(out, /^The CA would issue this certificate\.\nKey and signature of the token were not checked\.\n/)
  for (const line of [
    /configured as +https:\/\/token\.actions\.githubusercontent\.com\n/,
    /type +ci-provider, github-workflow\n/,
    /rule +ours \(allows\)\n/,
    /SAN +uri: https:\/\/github\.com\/acme\/app\/\.github\/workflows\/release\.yml@refs\/heads\/main\n/,
    /1\.3\.6\.1\.4\.1\.57264\.1\.1 issuer +https:\/\/token/,
    /1\.3\.6\.1\.4\.1\.57264\.1\.8 issuer +https:\/\/token/,
    /1\.3\.6\.1\.4\.1\.57264\.1\.20 buildTrigger +push\n/,
    /githubWorkflowName +Release it\n/,
    /covers "repo:acme\/app:ref:refs\/heads\/main"\./,
  ])
    t.match(out, line)
})

t.test('a token is shown without its signature, and with what the CA would make of it', async (t) => {
  const good = token()
  const [, , signature = ''] = good.split('.')
  const show = (...words: readonly string[]) => run(['token', 'show', ...words], good)
  for (const given of ['-', good]) {
    const { status, out, err } = await show(given, '--config', file)
    t.equal(status, 0, err)
    t.match(out, /^Header\n {2}alg {2}RS256\n\nClaims\n/)
    t.match(out, /\n {2}exp +\d+ \(20\d\d-\S+Z\)\n/)
    t.match(out, /\nWhoever signs with it proves to be "repo:acme\/app:ref:refs\/heads\/main"\.\n/)
    t.match(out, /\nThe CA would issue this certificate\.\n[^]*rule +ours \(allows\)\n/)
    t.notMatch(`${out}${err}`, signature)
  }
  const denied = token({ event_name: 'pull_request_target', exp: 1 })
  const refused = await run(['token', 'show', denied, '--config', file, '--json'])
  t.equal(refused.status, 1)
  const told = JSON.parse(refused.out)
  t.match(told, { header: { alg: 'RS256' }, claims: { exp: 1 }, explanation: { permitted: false } })
  t.notMatch(refused.out, signature)
  const around = await runCommand(['token', 'show', '--data', t.testdir()], { SIGSTORE_ID_TOKEN: good })
  t.equal(around.status, 1, 'a folder that is named must be that of a stack')
  const alone = await runCommand(['token', 'show'], {
    SIGSTORE_ID_TOKEN: good,
    SIGSTACK_DATA: t.testdir(),
  })
  t.equal(alone.status, 0, alone.err)
  t.match(alone.out, /is not known here: name its files with --config/)
  t.match((await run(['token', 'show'])).err, /the surroundings have no token/)
  t.match((await show('a.b')).err, /neither a token nor a file/)
})

t.test('a claim from outside does not steer the terminal', async (t) => {
  const hostile = token({ workflow: '\u001b[2K\rThe CA would issue this certificate.\nIt would.\u009b' })
  for (const more of [[], ['--json']]) {
    const { out } = await explain(hostile, ...more)
    const shown = await run(['token', 'show', hostile, '--config', file, ...more])
    t.match(shown.out, '\\u001b[2K')
    // oxlint-disable-next-line no-control-regex -- these are what is looked for
    t.notMatch(shown.out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|\nIt would/)
    t.match(out, '\\u001b[2K')
    // oxlint-disable-next-line no-control-regex -- these are what is looked for
    t.notMatch(out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|\nIt would/)
  }
})

t.test('a refused token ends with 1, with every reason and still the certificate', async (t) => {
  const { status, out } = await explain(
    token({ aud: 'other', exp: 1, event_name: 'pull_request_target' }),
    '--json',
  )
  t.equal(status, 1)
  const explanation = JSON.parse(out) as Record<string, unknown>
  t.match(explanation, {
    permitted: false,
    refusals: [{ code: 'audience_mismatch' }, { code: 'expired' }, { code: 'policy_refused' }],
    policy: { allowed: false, rule: 'no forks', rules: ['ours', 'no forks'] },
    certificate: { subjectAlternativeName: { type: 'uri' } },
  })
  const { repository_id: _, ...without } = claims
  const missing = await run(
    ['ca', 'explain', '--config', file, '--token', '-'],
    signed({ ...without, aud: 'sigstore', exp: 4_000_000_000, iss: gitHub }),
  )
  t.equal(missing.status, 1)
  t.match(missing.out, /extension_unavailable: value <repository_id> not present/)
  const stranger = await explain(token({}, 'https://evil.example'))
  t.match(stranger.out, /issuer_not_configured: iss is "https:\/\/evil\.example"/)
  t.match((await explain('nonsense')).out, /token_malformed/)
})

t.test('files that cannot be used are one sentence', async (t) => {
  const folder = t.testdir({ 'bad.yaml': 'oidc-issuers: []', 'policy.yaml': 'policies: { "https://x": [] }' })
  const bad = await run(['ca', 'explain', '--config', join(folder, 'bad.yaml'), '--token', '-'], token())
  t.equal(bad.status, 1)
  t.match(
    bad.err,
    /^Error: the identity configuration .*bad\.yaml: oidc-issuers must be a list of names and values/,
  )
  const policy = await explain(token(), '--policy', join(folder, 'policy.yaml'))
  t.match(policy.err, /has rules for https:\/\/x, which is no configured issuer/)
  const nothing = await run(['ca', 'explain', '--token', join(folder, 'none')])
  t.match(nothing.err, /cannot read/)
  const noStack = await run(['ca', 'explain', '--token', '-', '--data', folder], token())
  t.match(noStack.err, /no stack is running/)
  t.equal(noStack.status, 1)
  writeFileSync(join(folder, 'large'), 'x'.repeat(70_000))
  t.match((await explain(token(), '--token', join(folder, 'large'))).err, /too large/)
})

const endpointsOf = (identity?: object) =>
  JSON.stringify({
    services: { ca: 'http://127.0.0.1:1' },
    issuer: gitHub,
    trust: { trustedRoot: 'x', signingConfig: 'x', clientTrustConfig: 'x' },
    ...(identity !== undefined && { identity }),
  })

t.test(
  'without --config the answer is that of the stack on the data folder, with all of its rules',
  async (t) => {
    const folder = t.testdir({
      'policy.yaml': `policies: { "${gitHub}": [{ name: not on mondays, deny: { ref: refs/heads/monday } }] }`,
    })
    writeFileSync(
      join(folder, 'endpoints.json'),
      endpointsOf({ configFile: file, policyFile: join(folder, 'policy.yaml') }),
    )
    const ask = (text: string, environment = {}) =>
      runCommand(['ca', 'explain', '--token', '-', '--data', folder], environment, Buffer.from(text))
    const good = await ask(token())
    t.equal(good.status, 0, good.err)
    t.match(good.out, new RegExp(`issuers +${file}\n +policies +${join(folder, 'policy.yaml')}\n`))
    const stranger = await ask(token({ repository_owner: 'evilcorp' }))
    t.equal(stranger.status, 1)
    t.match(stranger.out, /policy_refused: none of the rules that allow matches this identity: "ours"/)
    t.match((await ask(token({ ref: 'refs/heads/monday' }))).out, /the rule "not on mondays" denies it/)
    const elsewhere = await ask(token({ repository_owner: 'evilcorp' }), {
      SIGSTACK_CA_CONFIG_FILE: join(folder, 'none.yaml'),
    })
    t.match(elsewhere.out, /policy_refused/, 'the environment of the caller is not that of the stack')
  },
)

t.test('where the configuration of the CA is not known nothing is said', async (t) => {
  const old = t.testdir({ 'endpoints.json': endpointsOf() })
  const unsaid = await run(['ca', 'explain', '--token', '-', '--data', old], token())
  t.equal(unsaid.status, 1)
  t.equal(unsaid.out, '')
  t.match(unsaid.err, /does not say which configuration its CA runs with\n.*--config/)
  const ask = (environment: Record<string, string>) =>
    runCommand(['ca', 'explain', '--token', '-'], environment, Buffer.from(token()))
  const unknown = await ask({ SIGSTACK_DATA: join(old, 'none'), CA_CONFIG_FILE: '' })
  t.equal(unknown.status, 1)
  t.equal(unknown.out, '')
  t.match(unknown.err, /it is not known which configuration the CA runs with\n.*--config/)
  const named = await ask({ SIGSTACK_DATA: join(old, 'none'), CA_CONFIG_FILE: file })
  t.equal(named.status, 0, named.err)
})
