/** The wire of C2SP tlog-witness: submissions, and the checkpoints that were cosigned. */
import { ignoreContentType, replyWithProblem } from '@sigstack/server'
import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from 'fastify'
import type { Witness } from '../cosigning/add-checkpoint.ts'
import { type SubtreeSigning, signSubtree } from '../cosigning/sign-subtree.ts'
import type { Witnessed } from '../cosigning/store.ts'
import type { WitnessMetrics } from '../metrics.ts'
import { boundAtOnce } from './bound-at-once.ts'
import { parseOriginHash } from './origin-hash.ts'

/** A cosigner as policies name it. */
export type CosignerNames = { readonly name: string; readonly verifierKeys: readonly string[] }

export type WitnessRouteOptions = {
  readonly witness: Witness
  /** Name and keys, as witnesses publish them of themselves. */
  readonly self: CosignerNames
  /** Where it keeps copies too. */
  readonly mirrorSelf?: CosignerNames
  readonly subtrees: SubtreeSigning
  readonly readAll: () => Promise<readonly Witnessed[]>
  readonly bodyLimitBytes: number
  /** Submissions at the same time; more are told to come back. */
  readonly pendingLimit: number
  readonly metrics: WitnessMetrics
}

const text = 'text/plain; charset=utf-8'

export const witnessRoutes: FastifyPluginCallback<WitnessRouteOptions> = (app, options, done) => {
  takeAnyBody(app)
  const {
    witness,
    self,
    mirrorSelf: mirror,
    subtrees,
    readAll,
    bodyLimitBytes,
    pendingLimit,
    metrics,
  } = options
  const bounded = boundAtOnce(pendingLimit)

  app.post('/add-checkpoint', { bodyLimit: bodyLimitBytes }, (request, reply) =>
    bounded(request.ip, async () => {
      const outcome = await witness.addCheckpoint(bytesOf(request))
      metrics.submissions.inc({ outcome: outcome.kind })
      if (outcome.kind === 'cosigned') return reply.type(text).send(outcome.lines)
      // As bytes: the framework adds a charset to texts.
      return reply
        .code(409)
        .type('text/x.tlog.size')
        .send(Buffer.from(`${outcome.size}\n`))
    }),
  )

  app.post('/sign-subtree', { bodyLimit: bodyLimitBytes }, (request, reply) =>
    bounded(request.ip, async () => reply.type(text).send(await signSubtree(bytesOf(request), subtrees))),
  )

  app.get<{ Params: { originHash: string } }>('/:originHash/checkpoint', async (request, reply) => {
    const originHash = parseOriginHash(request.params.originHash)
    const note = originHash && (await witness.checkpoint(originHash))
    if (note === undefined) return replyWithProblem(reply, 404, 'nothing of such a log was cosigned here')
    return reply.type(text).header('cache-control', 'no-cache').send(note)
  })

  app.get('/witness.v0.json', async () => ({
    name: self.name,
    verifier_keys: self.verifierKeys,
    ...(mirror !== undefined && {
      mirror: { name: mirror.name, verifier_keys: mirror.verifierKeys, path: '/mirror' },
    }),
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

function bytesOf({ body }: FastifyRequest): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array()
}

/** As bytes: no type is asked for. */
function takeAnyBody(app: FastifyInstance): void {
  ignoreContentType(app)
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}
