/** What `sigstack ca explain` tells is what the CA then does, with the same words. */
import t from 'tap'
import { explainToken } from '../src/explain.ts'
import { parseIssuerConfig } from '../src/identity/issuer-config.ts'
import { createClientKey, emailIssuerUrl, postV2, startHarness, v2Body } from './support/harness.ts'
import { signToken } from './support/oidc.ts'

const person = { email: 'alice@example.com', email_verified: true }

const policy = [
  { name: 'our people', allow: { 'email-domain': ['example.com', 'x.example'] } },
  { name: 'no contractors', deny: { group: 'contractors' } },
]

t.test('an explanation permits what the CA issues, and refuses with the words of the CA', async (t) => {
  const { issuers } = parseIssuerConfig({
    'oidc-issuers': {
      [emailIssuerUrl]: {
        'client-id': 'sigstore',
        type: 'email',
        'issuer-claim': '$.connector',
        policy,
      },
    },
  })
  const harness = await startHarness({ issuerEntries: issuers })
  t.teardown(() => harness.stop())
  const key = createClientKey()
  const good = { ...person, connector: 'https://idp.example.com' }
  const rows: [string, Record<string, unknown>, string | undefined, Record<string, unknown>?][] = [
    ['good', good, undefined],
    ['no rule that allows', { ...good, email: 'eve@evil.example' }, 'policy_refused'],
    ['a rule that denies', { ...good, groups: ['contractors'] }, 'policy_refused'],
    ['a blank in the address', { ...good, email: '"a b"@x.example' }, 'email_implausible'],
    ['an issuer that is empty', { ...good, connector: '' }, 'issuer_empty'],
    ['an issuer that is missing', person, 'claim_missing'],
    ['an unverified address', { ...good, email_verified: false }, 'email_not_verified'],
    ['another audience', { ...good, aud: 'other' }, 'audience_mismatch'],
    ['a token that is over', { ...good, exp: 1 }, 'expired'],
    ['half a surrogate pair', { ...good, connector: '\ud800' }, 'san_unencodable'],
    ['a key ID that is a number', { ...good }, 'token_malformed', { kid: 5 }],
    ['no signature', { ...good }, 'algorithm_refused', { alg: 'none' }],
    ['a shared secret', { ...good }, 'algorithm_refused', { alg: 'HS256' }],
    ['an extension that is critical', { ...good }, 'algorithm_refused', { crit: ['b64'], b64: true }],
    ['an issuer that nobody configured', { ...good, iss: 'https://evil.example' }, 'issuer_not_configured'],
  ]
  for (const [name, claims, code, header] of rows) {
    const token = withHeader(await signToken(harness.emailIssuer, claims), header)
    const explanation = explainToken(issuers, token, new Date())
    const answer = await postV2(harness, v2Body(token, key, key.prove(String(claims['email']))))
    t.equal(explanation.permitted, answer.statusCode === 200, `${name}: ${answer.body.slice(0, 200)}`)
    t.equal(explanation.permitted, code === undefined, name)
    if (code === undefined) continue
    t.equal(explanation.refusals[0]?.code, code, name)
    const { message } = answer.json() as { message: string }
    // The time of each, and which algorithms the issuer announces.
    const withoutNow = (text: string) => text.replace(/ but it is \S+ now| RS256.*/s, '')
    t.ok(
      withoutNow(message).includes(withoutNow(explanation.refusals[0]?.message ?? 'nothing')),
      `${name}: ${message}`,
    )
  }
})

/** The header with more, and so with a signature that is not its own. */
function withHeader(token: string, more: Record<string, unknown> | undefined): string {
  if (more === undefined) return token
  const [header = '', ...rest] = token.split('.')
  const whole = { ...JSON.parse(Buffer.from(header, 'base64url').toString()), ...more }
  return [Buffer.from(JSON.stringify(whole)).toString('base64url'), ...rest].join('.')
}
