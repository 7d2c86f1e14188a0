import { escapeHtml, renderPage } from './page.ts'

export type EmailPage = {
  readonly action: string
  /** Ties the form to the sign-in it was made for. */
  readonly formToken: string
  readonly email?: string
  readonly problem?: string
}

export function emailPage({ action, formToken, email = '', problem }: EmailPage): string {
  return renderPage(
    'Sign in',
    `<p>Which e-mail address shall the certificate carry? No password is asked for.</p>
${problemLine(problem)}
<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="form_token" value="${escapeHtml(formToken)}">
<label>E-mail address
<input type="email" name="email" value="${escapeHtml(email)}" maxlength="254" required autofocus autocomplete="email"></label>
<button type="submit">Sign in</button>
</form>`,
  )
}

export type DevicePage = {
  readonly action: string
  readonly formToken: string
  readonly userCode?: string
  readonly problem?: string
}

export function deviceCodePage({ action, formToken, userCode = '', problem }: DevicePage): string {
  return renderPage(
    'Connect a device',
    `<p>Enter the code that your terminal shows.</p>
${problemLine(problem)}
<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="xsrf" value="${escapeHtml(formToken)}">
<label>Code
<input type="text" name="user_code" value="${escapeHtml(userCode)}" maxlength="64" required autofocus autocomplete="off" autocapitalize="characters"></label>
<button type="submit">Continue</button>
</form>`,
  )
}

export function deviceConfirmPage({ action, formToken, userCode = '' }: DevicePage): string {
  return renderPage(
    'Is this your device?',
    `<p>Go on only if your terminal shows this very code:</p>
<code>${escapeHtml(userCode)}</code>
<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="xsrf" value="${escapeHtml(formToken)}">
<input type="hidden" name="user_code" value="${escapeHtml(userCode)}">
<button type="submit" name="confirm" value="yes">Yes, continue</button>
<button type="submit" name="abort" value="yes" class="quiet">No, stop</button>
</form>`,
  )
}

export function deviceDonePage(): string {
  return renderPage('Done', '<p>Your device is signed in. You can close this page.</p>')
}

/** For clients without a browser of their own: the person carries the code over. */
export function outOfBandPage(code: string): string {
  return renderPage(
    'Your code',
    `<p>Paste this code into the program that asked for it:</p>\n<code>${escapeHtml(code)}</code>`,
  )
}

export function problemPage(problem: string): string {
  return renderPage(
    'That did not work',
    `${problemLine(problem)}\n<p>Start the sign-in again from your program.</p>`,
  )
}

export function welcomePage(issuer: string): string {
  return renderPage(
    'OpenID Connect issuer',
    `<p>Issuer:</p><code>${escapeHtml(issuer)}</code>
<p>A token for a script:</p>
<code>curl -d email=you@example.org ${escapeHtml(issuer)}/trial/token</code>`,
  )
}

function problemLine(problem: string | undefined): string {
  return problem === undefined ? '' : `<p class="problem">${escapeHtml(problem)}</p>`
}
