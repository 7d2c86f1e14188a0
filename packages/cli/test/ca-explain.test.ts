import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UnsecuredJWT } from 'jose'
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
const claims = { ...gitHubClaims, workflow: 'Release\u001b[2J it' }
const token = (more: Record<string, unknown> = {}, iss = gitHub) =>
  new UnsecuredJWT({ aud: 'sigstore', exp: Math.floor(Date.now() / 1000) + 60, ...claims, ...more })
    .setIssuer(iss)
    .encode()
const file = join(t.testdir({ 'config.yaml': config, 'policy.yaml': 'policies: {}' }), 'config.yaml')
const explain = (text: string, ...more: readonly string[]) =>
  run(['ca', 'explain', '--config', file, '--token', '-', ...more], text)

t.test('a good token: issuer, rule, and every line of the certificate', async (t) => {
  const { status, out, err } = await explain(`${token()}\n`)
  t.equal(status, 0, err)
  t.match(out, /^The CA would issue this certificate\.\n/)
  for (const line of [
    /configured as +https:\/\/token\.actions\.githubusercontent\.com\n/,
    /type +ci-provider, github-workflow\n/,
    /rule +ours \(allows\)\n/,
    /SAN +uri: https:\/\/github\.com\/acme\/app\/\.github\/workflows\/release\.yml@refs\/heads\/main\n/,
    /1\.3\.6\.1\.4\.1\.57264\.1\.1 issuer +https:\/\/token/,
    /1\.3\.6\.1\.4\.1\.57264\.1\.8 issuer +https:\/\/token/,
    /1\.3\.6\.1\.4\.1\.57264\.1\.20 buildTrigger +push\n/,
    /githubWorkflowName +Release\?\[2J it\n/,
    /covers "repo:acme\/app:ref:refs\/heads\/main"\./,
  ])
    t.match(out, line)
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
    new UnsecuredJWT({ ...without, aud: 'sigstore', exp: 4_000_000_000 }).setIssuer(gitHub).encode(),
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
  writeFileSync(join(folder, 'large'), 'x'.repeat(70_000))
  t.match((await explain(token(), '--token', join(folder, 'large'))).err, /too large/)
})
