/** The published files at stable URLs, with strong validators so that clients ask cheaply. */
import { sha256Hex } from '@sigstack/crypto'
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { type FileName, type Files, fileNames } from '../publication/files.ts'

type Served = { readonly path: string; readonly name: FileName; readonly about: string }

/** Stable: clients and their users have these written down. */
export const servedFiles: readonly Served[] = [
  { path: `/${fileNames.trustedRoot}`, name: 'trustedRoot', about: 'trusted root: what to verify against' },
  { path: `/${fileNames.signingConfig}`, name: 'signingConfig', about: 'signing config: where to sign' },
  { path: '/signing_config.json', name: 'signingConfig', about: 'the same' },
  { path: `/${fileNames.clientTrustConfig}`, name: 'clientTrustConfig', about: 'both of them in one file' },
  { path: `/${fileNames.rekorKey}`, name: 'rekorKey', about: 'public keys of the transparency log' },
  { path: `/${fileNames.ctKey}`, name: 'ctKey', about: 'public keys of the certificate log' },
  { path: `/${fileNames.caCertificates}`, name: 'caCertificates', about: 'certificates of the authority' },
]

const cacheControl = 'public, max-age=60'

export const publishedFileRoutes: FastifyPluginCallback<{ current: () => Files | undefined }> = (
  app,
  { current },
  done,
) => {
  for (const { path, name } of servedFiles) {
    app.get(path, async (request, reply) => {
      const files = current()
      if (files === undefined) return notYet(reply)
      return sendFile(
        request,
        reply,
        files[name],
        path.endsWith('.json') ? 'application/json' : 'application/x-pem-file',
      )
    })
  }

  app.get('/', async (request, reply) => {
    reply.header('vary', 'Accept, Origin').header('cache-control', cacheControl)
    if (request.headers.accept?.includes('text/html'))
      return reply.type('text/html; charset=utf-8').send(indexPage)
    return { files: servedFiles.map(({ path, about }) => ({ path, about })) }
  })
  done()
}

function sendFile(request: FastifyRequest, reply: FastifyReply, text: string, type: string): FastifyReply {
  const etag = `"${sha256Hex(text)}"`
  reply.header('etag', etag).header('cache-control', cacheControl)
  const asked = request.headers['if-none-match']
  const known = asked?.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (known?.includes(etag) || asked?.trim() === '*') return reply.code(304).send()
  return reply.type(type).send(text)
}

function notYet(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .header('retry-after', '2')
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'the keys of the services are not collected yet; try again in a moment',
    })
}

const indexPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Published trust</title>
<h1>Published trust</h1>
<ul>
${servedFiles.map(({ path, about }) => `<li><a href="${path}">${path}</a>: ${about}</li>`).join('\n')}
</ul>
</html>
`
