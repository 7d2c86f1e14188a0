/** The device flow (RFC 8628): a person signs in on any device, with a code that is shown here. */
import { setTimeout as sleep } from 'node:timers/promises'
import { memberAt, quoted } from '@sigstack/crypto'
import {
  type Answer,
  type Client,
  challengeOf,
  checkedToken,
  type Issuer,
  randomText,
  reasonIn,
  sendForm,
} from '@sigstack/oidc-client'
import { scope } from './flows.ts'
import { noToken } from './no-token.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
const usualSeconds = { expiry: 600, interval: 5 }
const most = { expirySeconds: 1800, intervalSeconds: 60 }
/** What `slow_down` adds, as in cosign. */
const slowDownSeconds = 10

/** `wait` is for so many milliseconds; told apart so that tests need not. */
export async function deviceFlow(
  issuer: Issuer,
  client: Client,
  tell: (text: string) => void,
  wait: (ms: number) => Promise<unknown> = sleep,
): Promise<string> {
  if (issuer.deviceEndpoint === undefined) throw noToken(`the issuer ${issuer.url} has no device flow`)
  if (!issuer.hasPkce) throw noToken(`the issuer ${issuer.url} does not say that it has PKCE`)
  const verifier = randomText()
  const begun = await sendForm(issuer.deviceEndpoint, client, { scope, ...challengeOf(verifier) })
  const text = (name: string): string => {
    const found = memberAt(begun.members, name)
    if (begun.status === 200 && typeof found === 'string' && found !== '') return found
    throw noToken(`the issuer ${issuer.url} begins no device flow: ${reasonIn(begun)}`)
  }
  const code = text('device_code')
  const whole = memberAt(begun.members, 'verification_uri_complete')
  const uri = typeof whole === 'string' ? whole : text('verification_uri')
  const expiry = seconds(begun, 'expires_in', usualSeconds.expiry, most.expirySeconds)
  tell(`Enter the verification code ${text('user_code')} in your browser at: ${uri}\n`)
  tell(`Code will be valid for ${expiry} seconds\n`)

  let interval = seconds(begun, 'interval', usualSeconds.interval, most.intervalSeconds)
  // Counted by what was waited: a clock that is set meanwhile changes nothing.
  for (let waited = 0; waited < expiry; ) {
    await wait(interval * 1000)
    waited += interval
    const answer = await sendForm(issuer.tokenEndpoint, client, {
      grant_type: grantType,
      device_code: code,
      code_verifier: verifier,
      scope,
    })
    const error = memberAt(answer.members, 'error')
    if (error === 'slow_down') interval = Math.min(interval + slowDownSeconds, most.intervalSeconds)
    else if (error !== 'authorization_pending') return (await checkedToken(answer, issuer, client)).token
  }
  throw noToken(`nobody entered the code ${quoted(text('user_code'), 60)} in time`)
}

function seconds({ members }: Answer, name: string, usual: number, largest: number): number {
  const found = memberAt(members, name)
  return typeof found === 'number' && found >= 1 ? Math.min(Math.ceil(found), largest) : usual
}
