/** The wire of C2SP tlog-witness: submissions, and the checkpoints that were cosigned. */
import { parseHex } from '@sigstack/crypto'
import { replyWithProblem } from '@sigstack/server'
import type { FastifyInstance, FastifyPluginCallback } from 'fastify'
import type { Witness } from '../cosigning/add-checkpoint.ts'
import { WitnessError } from '../cosigning/errors.ts'
import type { Witnessed } from '../cosigning/store.ts'
import type { WitnessMetrics } from '../metrics.ts'

export type WitnessRouteOptions = {
  readonly witness: Witness
  /** Name and keys, as witnesses publish them of themselves. */
  readonly self: { readonly name: string; readonly verifierKeys: readonly string[] }
  readonly readAll: () => Promise<readonly Witnessed[]>
  readonly bodyLimitBytes: number
  /** Submissions at the same time; more are told to come back. */
  readonly pendingLimit: number
  readonly metrics: WitnessMetrics
}

const text = 'text/plain; charset=utf-8'

export const witnessRoutes: FastifyPluginCallback<WitnessRouteOptions> = (app, options, done) => {
  takeAnyBody(app)
  const { witness, self, readAll, bodyLimitBytes, pendingLimit, metrics } = options
  let pending = 0

  app.post('/add-checkpoint', { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    if (pending >= pendingLimit) throw new WitnessError('busy', 'too many submissions at once; come back')
    pending++
    try {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array()
      const outcome = await witness.addCheckpoint(body)
      metrics.submissions.inc({ outcome: outcome.kind })
      if (outcome.kind === 'cosigned') return reply.type(text).send(outcome.lines)
      // As bytes: the framework adds a charset to texts.
      return reply
        .code(409)
        .type('text/x.tlog.size')
        .send(Buffer.from(`${outcome.size}\n`))
    } finally {
      pending--
    }
  })

  app.get<{ Params: { originHash: string } }>('/:originHash/checkpoint', async (request, reply) => {
    const { originHash } = request.params
    const note = /^[0-9a-f]{64}$/.test(originHash)
      ? await witness.checkpoint(parseHex(originHash))
      : undefined
    if (note === undefined) return replyWithProblem(reply, 404, 'nothing of such a log was cosigned here')
    return reply.type(text).header('cache-control', 'no-cache').send(note)
  })

  app.get('/witness.v0.json', async () => ({
    name: self.name,
    verifier_keys: self.verifierKeys,
  }))

  app.get('/logs.v0.json', async () => ({
    logs: (await readAll()).map(({ origin, treeHead, timeSeconds }) => ({
      origin,
      tree_size: String(treeHead.size),
      cosigned_at: new Date(Number(timeSeconds) * 1000).toISOString(),
    })),
  }))
  done()
}

/** As bytes: no type is asked for. */
function takeAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}
