/** Where somebody is sent who is not signed in. */
import { type Html, html } from '../html/html.ts'
import type { SignIn } from './sign-in.ts'

const callbackPath = '/auth/callback'

/**
 * Where issuers send people back to: each to a path of its own, so that the code of one is never taken to another, which could use it
 * (RFC 9700 section 4.4.2.2).
 */
export const callbackPaths = [callbackPath, `${callbackPath}/:issuer`] as const

export function callbackPathOf(issuer: number): string {
  return issuer === 0 ? callbackPath : `${callbackPath}/${issuer}`
}

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
