/** The frame of every page: plain HTML, no scripts, and the warning that nobody can miss. */
import { hash } from 'node:crypto'

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; display: grid; min-height: 100vh; place-content: start center; padding: 8vh 1rem 2rem }
main { width: min(24rem, 90vw) }
h1 { font-size: 1.4rem; font-weight: 600; margin: 1.5rem 0 .5rem }
p { margin: .5rem 0 }
.warning { background: #8a1c1c; color: #fff; padding: .6rem .8rem; border-radius: .4rem; font-size: .9rem }
.problem { color: #c62828; font-weight: 600 }
label { display: block; margin-top: 1rem; font-size: .9rem }
input { box-sizing: border-box; width: 100%; font: inherit; padding: .5rem .6rem; margin-top: .25rem; border: 1px solid #8888; border-radius: .4rem }
button { font: inherit; margin-top: 1rem; padding: .5rem 1.2rem; border: 0; border-radius: .4rem; background: #1f5fbf; color: #fff; cursor: pointer }
button.quiet { background: none; color: inherit; text-decoration: underline }
code { display: block; overflow-wrap: anywhere; background: #8882; padding: .6rem .8rem; border-radius: .4rem; margin-top: .5rem; user-select: all }
`

/**
 * No form-action: browsers apply it to where a form's answer redirects to, and a sign-in ends with a
 * redirect to whatever loopback port the client listens on.
 */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; base-uri 'none'; frame-ancestors 'none'`,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const

/** Text for an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** `body` is HTML; whatever in it came from outside has been escaped. */
export function renderPage(title: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<p class="warning"><strong>Trial issuer.</strong> Anyone can sign in here as anyone. Never trust it for real signatures.</p>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
</body>
</html>
`
}
