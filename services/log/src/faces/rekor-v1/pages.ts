/** Pages for people: what this is, and the description of the API. Plain HTML without scripts and without anything from elsewhere. */
import { openapi } from './openapi.ts'

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733}' +
  'code,pre{font:14px/1.45 ui-monospace,monospace;background:#f1f4f7;border-radius:4px}code{padding:.1em .3em}' +
  'pre{padding:1rem;overflow:auto}h2{border-bottom:1px solid #d8dfe6;padding-top:1.5rem}table{border-collapse:collapse;width:100%}' +
  'td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-top:1px solid #d8dfe6}b{display:inline-block;min-width:3.5em}' +
  '@media(prefers-color-scheme:dark){body{background:#14191f;color:#dbe3ea}code,pre{background:#232b34}td,th,h2{border-color:#38434e}a{color:#7db8ff}}'

/** For the header Content-Security-Policy: these pages need nothing but their own style. */
export const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

export function homePage(hostname: string): string {
  return page(
    hostname,
    `<h1>${escape(hostname)}</h1>
<p>This is a transparency log that speaks the interface of <a href="https://docs.sigstore.dev/logging/overview/">Rekor</a>. Signing clients
write to it, verifiers and monitors read it; what is in it cannot be changed or taken out unseen.</p>
<ul>
<li><a href="/api/v1/log">/api/v1/log</a>: the log's head, signed</li>
<li><a href="/api/v1/log/publicKey">/api/v1/log/publicKey</a>: the key it signs with</li>
<li><a href="/api/v1/search">/api/v1/search</a>: the newest entries; <a href="/docs#search">search</a> by digest, name, issuer, key or time</li>
<li><a href="/docs">/docs</a>: the interface, and <a href="/swagger.json">the same for tools</a></li>
</ul>`,
  )
}

type Operation = {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: unknown
  readonly responses: Readonly<Record<string, { readonly description: string }>>
}
type Parameter = {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: object
}

export function docsPage(hostname: string): string {
  const operations = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => describe(method, path, operation as Operation)),
  )
  const schemas = Object.entries(openapi.components.schemas).map(
    ([name, schema]) => `<h3 id="${name}">${name}</h3><pre>${escape(JSON.stringify(schema, null, 2))}</pre>`,
  )
  return page(
    `Interface of ${hostname}`,
    `<h1>Interface of ${escape(hostname)}</h1><p>${escape(openapi.info.description)} <a href="/swagger.json">The same for tools.</a></p>
${operations.join('\n')}\n<h2>Schemas</h2>\n${schemas.join('\n')}`,
  )
}

function describe(method: string, path: string, operation: Operation): string {
  const { operationId, summary, parameters = [], requestBody, responses } = operation
  const asked = parameters.map(
    ({ name, in: place, required, schema }) =>
      `<tr><td><code>${escape(name)}</code></td><td>${place}${required ? ', required' : ''}</td><td><code>${linked(schema)}</code></td></tr>`,
  )
  const sent = requestBody === undefined ? '' : `<p>Body: <code>${linked(requestBody)}</code></p>`
  const answers = Object.entries(responses).map(
    ([status, response]) => `<tr><td>${status}</td><td>${escape(response.description)}</td></tr>`,
  )
  return `<h2 id="${operationId}"><b>${method.toUpperCase()}</b> <code>${escape(path)}</code></h2><p>${escape(summary)}.</p>
${asked.length === 0 ? '' : `<table>${asked.join('')}</table>`}${sent}<table>${answers.join('')}</table>`
}

/** JSON with its references as links. */
function linked(value: unknown): string {
  return escape(JSON.stringify(value)).replace(/#\/components\/schemas\/(\w+)/g, '<a href="#$1">$1</a>')
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title><style>${style}</style></head>
<body>${content}</body></html>
`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
