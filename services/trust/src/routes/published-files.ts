/** The published files at stable URLs, with strong validators so that clients ask cheaply. */

import { apiDocumentPath, apiPagePath } from '@sigstack/server'
import { parseTrustedRoot } from '@sigstack/trust-root'
import type { FastifyPluginCallback } from 'fastify'
import { type FileName, type Files, fileNames, keysByName } from '../publication/files.ts'
import { replyNotYet, replyWithFile } from './reply.ts'
import { repositoryPath } from './repository-files.ts'

type Served = { readonly path: string; readonly name: FileName; readonly about: string }

/** Stable: clients and their users have these written down. */
export const servedFiles: readonly Served[] = [
  { path: `/${fileNames.trustedRoot}`, name: 'trustedRoot', about: 'trusted root: what to verify against' },
  { path: `/${fileNames.signingConfig}`, name: 'signingConfig', about: 'signing config: where to sign' },
  { path: '/signing_config.json', name: 'signingConfig', about: 'the same' },
  {
    path: `/${fileNames.signingConfigV2}`,
    name: 'signingConfigV2',
    about: 'signing config that sends clients to Rekor v2, where there is such a log',
  },
  { path: `/${fileNames.clientTrustConfig}`, name: 'clientTrustConfig', about: 'both of them in one file' },
  {
    path: `/${fileNames.rekorKey}`,
    name: 'rekorKey',
    about: 'public key of the transparency log, that signs now',
  },
  { path: `/${fileNames.ctKey}`, name: 'ctKey', about: 'public key of the certificate log, that signs now' },
  { path: `/${fileNames.caCertificates}`, name: 'caCertificates', about: 'certificates of the authority' },
  {
    path: `/${fileNames.tsaCertificates}`,
    name: 'tsaCertificates',
    about: 'certificates of the timestamp authority, that stamps now; empty where there is none',
  },
]

const cacheControl = 'public, max-age=60'

export const publishedFileRoutes: FastifyPluginCallback<{
  current: () => Files | undefined
  hasRepository: boolean
}> = (app, { current, hasRepository }, done) => {
  for (const { path, name } of servedFiles) {
    app.get(path, async (request, reply) => {
      const files = current()
      if (files === undefined) return replyNotYet(reply)
      const type = path.endsWith('.json') ? 'application/json' : 'application/x-pem-file'
      return replyWithFile(request, reply, { content: files[name], type, cacheControl })
    })
  }

  // Each key that was ever published, by a name that it keeps.
  app.get<{ Params: { name: string } }>('/keys/:name', async (request, reply) => {
    const files = current()
    if (files === undefined) return replyNotYet(reply)
    const content = keysByName(parseTrustedRoot(files.trustedRoot)).get(`keys/${request.params.name}`)
    if (content === undefined) return reply.callNotFound()
    return replyWithFile(request, reply, { content, type: 'application/x-pem-file', cacheControl })
  })

  const plain = servedFiles.map(({ path, about }) => ({ path, about }))
  const listedFiles: readonly Listed[] = hasRepository ? [...plain, rootOfRepository] : plain
  const indexPage = indexPageOf(listedFiles)
  app.get('/', async (request, reply) => {
    reply.header('vary', 'Accept, Origin').header('cache-control', cacheControl)
    if (request.headers.accept?.includes('text/html'))
      return reply.type('text/html; charset=utf-8').send(indexPage)
    return { files: listedFiles }
  })
  done()
}

type Listed = Pick<Served, 'path' | 'about'>

const rootOfRepository: Listed = {
  path: `${repositoryPath}/root.json`,
  about: 'the newest root of the TUF repository, whose URL is the folder of this file',
}

function indexPageOf(files: readonly Listed[]): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Published trust</title>
<h1>Published trust</h1>
<p><a href="${apiPagePath}">The interface</a>, and <a href="${apiDocumentPath}">the same for tools</a></p>
<ul>
${files.map(({ path, about }) => `<li><a href="${path}">${path}</a>: ${about}</li>`).join('\n')}
</ul>
</html>
`
}
