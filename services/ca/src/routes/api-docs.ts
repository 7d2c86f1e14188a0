/** The description of the API, for programs and for people. The page needs nothing from elsewhere, and no script. */
import type { FastifyPluginAsync } from 'fastify'
import { openApi } from './openapi.ts'
import { sendJson } from './send-json.ts'

export const apiDocsRoutes: FastifyPluginAsync = async (app) => {
  const description = JSON.stringify(openApi, undefined, 2)
  const page = pageOf()
  app.get('/api/openapi.json', (_request, reply) => sendJson(reply, description))
  app.get('/api/docs', (_request, reply) =>
    reply
      .header('content-type', 'text/html; charset=utf-8')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      )
      .header('x-content-type-options', 'nosniff')
      .send(page),
  )
}

type Operation = {
  readonly summary: string
  readonly description?: string
  readonly deprecated?: true
  readonly responses: Readonly<Record<string, { readonly description: string }>>
}

function pageOf(): string {
  const operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]: [string, Operation]) =>
      sectionOf(method, path, operation),
    ),
  )
  const schemas = Object.entries(openApi.components.schemas).map(
    ([name, schema]) =>
      `<h3 id="${escaped(name)}">${escaped(name)}</h3><pre>${escaped(JSON.stringify(schema, undefined, 2))}</pre>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(openApi.info.title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
code, pre { font: 14px/1.5 ui-monospace, monospace }
pre { background: #f4f4f4; padding: 0.75rem; overflow: auto }
table { border-collapse: collapse } td { padding: 0.1rem 1rem 0.1rem 0; vertical-align: top }
@media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #161616 } pre { background: #222 } a { color: #8ab4ff } }
</style>
</head>
<body>
<h1>${escaped(openApi.info.title)}</h1>
<p>${escaped(openApi.info.description)}</p>
<p>For programs: <a href="/api/openapi.json">openapi.json</a></p>
${operations.join('\n')}
<h2>Messages</h2>
${schemas.join('\n')}
</body>
</html>
`
}

function sectionOf(method: string, path: string, operation: Operation): string {
  const { summary, description = '', deprecated, responses } = operation
  const rows = Object.entries(responses).map(
    ([status, response]) =>
      `<tr><td><code>${escaped(status)}</code></td><td>${escaped(response.description)}</td></tr>`,
  )
  return `<h2><code>${escaped(method.toUpperCase())} ${escaped(path)}</code></h2>
<p>${escaped(summary)}${deprecated === true ? ' (for older clients)' : ''}. ${escaped(description)}</p>
<table>${rows.join('')}</table>`
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
