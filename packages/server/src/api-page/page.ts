/** An API description as a page for people: HTML that needs no script and nothing from elsewhere. */
import { type ApiDocument, type Content, exampleOf, nameOf, type Operation, type Schema } from './document.ts'

const style = `
:root { color-scheme: light dark; --ink: #1c2733; --paper: #fff; --line: #d8dfe6; --shade: #f1f4f7; --link: #0b5cad }
@media (prefers-color-scheme: dark) {
  :root { --ink: #dbe3ea; --paper: #14191f; --line: #38434e; --shade: #232b34; --link: #7db8ff }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
body { color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
a { color: var(--link) }
code, pre { font: 14px/1.45 ui-monospace, monospace; background: var(--shade); border-radius: 4px }
code { padding: .1em .3em }
pre { padding: .75rem; overflow: auto; white-space: pre-wrap }
h2, h3 { border-top: 1px solid var(--line); padding-top: 1rem }
h3 b { display: inline-block; min-width: 3.5em }
dt { margin-top: .4rem } dd { margin-left: 1.5rem }
summary { cursor: pointer }`

/** What this service is and where to look first. */
export function indexPage(document: ApiDocument, pagePath: string, documentPath: string): string {
  const links = operationsOf(document)
    .filter(({ method, path, operation }) => method === 'get' && isPlain(path, operation))
    .map(
      ({ path, operation }) =>
        `<li><a href="${html(path)}">${html(path)}</a>: ${html(operation.summary)}</li>`,
    )
  return page(
    document.info.title,
    `${introduction(document)}
<ul>
<li><a href="${html(pagePath)}">${html(pagePath)}</a>: the interface, and <a href="${html(documentPath)}">the same for tools</a></li>
${links.join('\n')}
</ul>`,
  )
}

/** Whether a browser can follow the path as it stands. */
function isPlain(path: string, { parameters = [] }: Operation): boolean {
  return !path.includes('{') && !parameters.some(({ required }) => required)
}

export function apiPage(document: ApiDocument, documentPath: string): string {
  const operations = operationsOf(document)
  const contents = operations.map(
    ({ id, method, path, operation }) =>
      `<li><a href="#${id}"><code>${html(method.toUpperCase())} ${html(path)}</code></a>: ${html(operation.summary)}</li>`,
  )
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `<h3 id="${html(name)}">${html(name)}</h3>\n${fieldsOf(schema)}${examplePart('Example', exampleOf(schema, document))}`,
  )
  return page(
    document.info.title,
    `${introduction(document)}
<p><a href="${html(documentPath)}">The same for tools</a> (OpenAPI ${html(document.openapi)})</p>
<ul>${contents.join('\n')}</ul>
<h2>Operations</h2>
${operations.map((each) => sectionOf(each, document)).join('\n')}
<h2>Refusals</h2>
<dl>${refusalsOf(operations)}</dl>
<h2>Messages</h2>
${schemas.join('\n')}`,
  )
}

type Placed = {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

function operationsOf({ paths }: ApiDocument): Placed[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const id = operation.operationId ?? `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, '-')}`
      return { id: html(id), method, path, operation }
    }),
  )
}

function introduction({ info }: ApiDocument): string {
  return `<h1>${html(info.title)}</h1>\n<p>${html(info.description)}</p>`
}

function sectionOf({ id, method, path, operation }: Placed, document: ApiDocument): string {
  const { summary, description, deprecated, parameters = [], requestBody, responses } = operation
  const asked = parameters.map(
    ({ name, in: place, required, schema, description: about }) =>
      `<dt><code>${html(name)}</code> in ${html(place)}${required ? ', required' : ''}: ${typeOf(schema ?? {})}</dt>` +
      (about === undefined ? '' : `<dd>${html(about)}</dd>`),
  )
  const sent =
    requestBody === undefined
      ? ''
      : `<p>Body. ${html(requestBody.description ?? '')}</p>\n${bodiesOf(requestBody.content, document, 'Example')}`
  const answers = Object.entries(responses).filter(([status]) => !isRefusal(status))
  const refused = Object.keys(responses).filter(isRefusal)
  return `<h3 id="${id}"><b>${html(method.toUpperCase())}</b> <code>${html(path)}</code></h3>
<p>${html(summary)}${deprecated ? ' (for older clients)' : ''}. ${html(description ?? '')}</p>
${asked.length === 0 ? '' : `<dl>${asked.join('')}</dl>`}${sent}
${answers
  .map(
    ([status, answer]) =>
      `<p>${html(status)}: ${html(answer.description)}</p>\n${bodiesOf(answer.content ?? {}, document, 'Answer')}`,
  )
  .join('\n')}
${refused.length === 0 ? '' : `<p>Refused with ${refused.map((status) => `<code>${html(status)}</code>`).join(', ')}</p>`}`
}

function bodiesOf(content: Content, document: ApiDocument, what: string): string {
  return Object.entries(content)
    .map(([type, { schema, example }]) => {
      const shape = schema === undefined ? '' : `: ${typeOf(schema)}`
      const shown = example ?? (schema === undefined ? undefined : exampleOf(schema, document))
      return `<p><code>${html(type)}</code>${shape}</p>\n${shown === undefined ? '' : examplePart(what, shown)}`
    })
    .join('\n')
}

function isRefusal(status: string): boolean {
  return Number(status) >= 400
}

/** Each status once, with what it means where it is used. */
function refusalsOf(operations: readonly Placed[]): string {
  const meanings = new Map<string, Set<string>>()
  for (const { operation } of operations) {
    for (const [status, { description }] of Object.entries(operation.responses)) {
      if (isRefusal(status)) meanings.set(status, (meanings.get(status) ?? new Set()).add(description))
    }
  }
  return [...meanings]
    .toSorted(([one], [other]) => Number(one) - Number(other))
    .map(
      ([status, said]) => `<dt><code>${html(status)}</code></dt><dd>${[...said].map(html).join('; ')}</dd>`,
    )
    .join('\n')
}

function fieldsOf({ description, properties = {}, required = [] }: Schema): string {
  const rows = Object.entries(properties).map(
    ([name, member]) =>
      `<dt><code>${html(name)}</code>${required.includes(name) ? ', required' : ''}: ${typeOf(member)}</dt>` +
      (member.description === undefined ? '' : `<dd>${html(member.description)}</dd>`),
  )
  return `${description === undefined ? '' : `<p>${html(description)}</p>\n`}<dl>${rows.join('\n')}</dl>\n`
}

/** The kind of a value in a few words, with a link where it has a section of its own. */
function typeOf(schema: Schema): string {
  const name = nameOf(schema)
  if (name !== undefined) return `<a href="#${html(name)}">${html(name)}</a>`
  const choices = schema.oneOf ?? schema.anyOf
  if (choices !== undefined) return choices.map(typeOf).join(' or ')
  if (schema.enum !== undefined)
    return schema.enum.map((one) => `<code>${html(JSON.stringify(one))}</code>`).join(' or ')
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`
  const type = [schema.type ?? 'any'].flat().join(' or ')
  const form = schema.contentEncoding ?? (schema.pattern === undefined ? undefined : schema.pattern)
  return html(type) + (form === undefined ? '' : ` <code>${html(form)}</code>`)
}

function examplePart(what: string, value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)
  return `<details><summary>${html(what)}</summary><pre>${html(text)}</pre></details>\n`
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)}</title>
<style>${style}</style>
</head>
<body>
${content}
</body>
</html>
`
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
