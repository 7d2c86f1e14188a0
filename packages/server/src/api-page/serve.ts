/** One place for people and one for tools, the same at every service. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { ApiDocument } from './document.ts'
import { apiPage, indexPage } from './page.ts'

export const apiPagePath = '/docs'
export const apiDocumentPath = '/openapi.json'

export type ServeApiOptions = {
  /** Where the page was before; old links go on to work. */
  readonly formerPagePaths?: readonly string[]
  readonly formerDocumentPaths?: readonly string[]
  /** False where `/` has a meaning of its own. Default: a page of what is to be found here. */
  readonly index?: boolean
}

/** Pages need nothing but their own style. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function serveApi(app: FastifyInstance, described: ApiDocument, options: ServeApiOptions = {}): void {
  const { formerPagePaths = [], formerDocumentPaths = [], index = true } = options
  const document = withItself(described, options)
  const page = apiPage(document, apiDocumentPath)
  const text = Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`)
  if (index) {
    const front = indexPage(document, apiPagePath, apiDocumentPath)
    app.get('/', (_request, reply) => sendPage(reply, front))
  }
  for (const path of [apiPagePath, ...formerPagePaths])
    app.get(path, (_request, reply) => sendPage(reply, page))
  for (const path of [apiDocumentPath, ...formerDocumentPaths]) {
    app.get(path, (_request, reply) => reply.header('content-type', 'application/json').send(text))
  }
}

/** The description has its own paths too. */
function withItself(document: ApiDocument, options: ServeApiOptions): ApiDocument {
  const { formerPagePaths = [], formerDocumentPaths = [], index = true } = options
  const answer = (summary: string, description: string, type: string, deprecated = false) => ({
    get: { summary, deprecated, responses: { 200: { description, content: { [type]: {} } } } },
  })
  const page = 'This description as a page'
  const same = 'This description'
  const former = (paths: readonly string[], summary: string, description: string, type: string) =>
    Object.fromEntries(paths.map((path) => [path, answer(summary, description, type, true)]))
  return {
    ...document,
    paths: {
      ...document.paths,
      ...(index && { '/': answer('What is to be found here', 'HTML', 'text/html') }),
      [apiPagePath]: answer(page, 'HTML', 'text/html'),
      [apiDocumentPath]: answer(same, 'OpenAPI', 'application/json'),
      ...former(formerPagePaths, page, 'HTML', 'text/html'),
      ...former(formerDocumentPaths, same, 'OpenAPI', 'application/json'),
    },
  }
}

function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', policy)
    .header('x-content-type-options', 'nosniff')
    .send(page)
}
