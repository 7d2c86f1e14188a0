/** Where somebody is sent who is not signed in. */
import { type Html, html } from '../html/html.ts'
import type { SignIn } from './sign-in.ts'

/** Where an issuer sends people back to. */
export const callbackPath = '/auth/callback'

export function signInPart({ issuers, publicUrl }: SignIn, to: string, isOut: boolean): Html {
  return html`<h1>Sign in</h1>
${isOut && html`<p role="status">You are signed out of this console. Your identity provider may know you still.</p>`}
<p>This console shows its pages to people who are signed in.</p>
<ul class="ways">${issuers.map(
    ({ name, url }, at) =>
      html`<li><a class="button" href="${`${publicUrl}${beginPath(at, to)}`}">Sign in with ${name}</a> <span class="quiet">${url}</span></li>
`,
  )}</ul>
`
}

export function strangerPart(name: string, issuer: string): Html {
  return html`<h1>This is not open to you</h1>
<p class="warning">${issuer} knows you as ${name}, and no rule of this console lets you in.</p>
<p><a href="/auth/sign-in">Sign in as somebody else</a></p>
`
}

export function signInPath(to: string): string {
  return `/auth/sign-in?to=${encodeURIComponent(to)}`
}

function beginPath(issuer: number, to: string): string {
  return `/auth/begin?issuer=${issuer}&to=${encodeURIComponent(to)}`
}
