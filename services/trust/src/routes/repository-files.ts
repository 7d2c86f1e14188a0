/** The TUF repository below `/tuf`: numbered files for ever, and the two names that move. */
import { join } from 'node:path'
import type { FastifyPluginCallback } from 'fastify'
import { readIfThere } from '../durable-files.ts'
import type { Repository } from '../repository/repository.ts'
import { replyNotYet, replyWithFile } from './reply.ts'

export const repositoryPath = '/tuf'

export type RepositoryRouteOptions = {
  readonly folder: string
  readonly repository: Pick<Repository, 'isPublished' | 'newest'>
}

/** Nothing else in the folder is for others, and no name leads out of it. */
const numbered =
  /^(?:[1-9]\d{0,8}\.(?:root|targets|snapshot|timestamp)\.json|targets\/[0-9a-f]{64}\.[A-Za-z0-9._-]{1,100})$/
const moving = /^(root|timestamp)\.json$/

export const repositoryFileRoutes: FastifyPluginCallback<RepositoryRouteOptions> = (
  app,
  { folder, repository },
  done,
) => {
  app.get<{ Params: { '*': string } }>(`${repositoryPath}/*`, async (request, reply) => {
    if (!repository.isPublished()) return replyNotYet(reply)
    // Older clients join the URL and a name with a slash of their own.
    const path = request.params['*'].replace(/^\/+/, '').replaceAll(/\/{2,}/g, '/')
    const role = moving.exec(path)?.[1] as 'root' | 'timestamp' | undefined
    const file = role === undefined ? path : `${await repository.newest(role)}.${role}.json`
    const bytes = numbered.test(file) ? await readIfThere(join(folder, file)) : undefined
    if (bytes === undefined) {
      // Clients ask for the next root until there is none: this answer must not outlive it.
      reply.header('cache-control', 'no-store')
      return reply.callNotFound()
    }
    const cacheControl = role === undefined ? 'public, max-age=31536000, immutable' : 'no-cache'
    const type = path.endsWith('.json') ? 'application/json' : 'application/x-pem-file'
    return replyWithFile(request, reply, { content: bytes, type, cacheControl })
  })
  done()
}
