/** How it stands with the logs that are followed. */
import type { Pool } from '@sigstack/postgres'
import type { FastifyPluginCallback } from 'fastify'
import { logAnswer } from '../answers.ts'
import { readTreeStatuses } from '../following/tree-status.ts'

export const logRoutes: FastifyPluginCallback<{ readonly pool: Pool }> = (app, { pool }, done) => {
  app.get('/logs', async () => ({ logs: (await readTreeStatuses(pool)).map(logAnswer) }))
  done()
}
