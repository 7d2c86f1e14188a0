/** add-chain, add-pre-chain and get-roots (RFC 6962 sections 4.1, 4.2 and 4.7). */
import { toBase64 } from '@sigstack/crypto'
import { addChainResponse, merkleTreeLeaf, type SignedEntry } from '@sigstack/ct'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CtDependencies } from './dependencies.ts'
import { sendJsonText, uncached } from './reply.ts'
import { createSubmissionValidator } from './submission.ts'
import { signatureKind } from './tree-head.ts'

const noExtensions = new Uint8Array()

export function submitRoutes(app: FastifyInstance, dependencies: CtDependencies): void {
  const { log, signer, roots, pathPrefix, bodyLimitBytes, extendedKeyUsages } = dependencies
  const validate = createSubmissionValidator(roots, { extendedKeyUsages })
  const algorithm = signatureKind(signer)

  app.post(`${pathPrefix}/ct/v1/add-chain`, { bodyLimit: bodyLimitBytes }, add('x509'))
  app.post(`${pathPrefix}/ct/v1/add-pre-chain`, { bodyLimit: bodyLimitBytes }, add('precert'))

  app.get(`${pathPrefix}/ct/v1/get-roots`, async (_request, reply) => {
    if (roots.current().certificates.length === 0) await roots.refresh()
    const certificates = roots.current().certificates.map(({ der }) => toBase64(der))
    return sendJsonText(reply, uncached, JSON.stringify({ certificates }))
  })

  function add(type: SignedEntry['type']) {
    return async (request: FastifyRequest, reply: FastifyReply) => {
      const { identity, entry, extraData } = await validate(type, request.body)
      const appended = await log.append({
        identity,
        sizeBytes: 2 * extraData.length,
        encode: ({ sequencedAtMs }) => ({
          leaf: merkleTreeLeaf({ timestampMs: sequencedAtMs, entry, extensions: noExtensions }),
          extra: extraData,
        }),
      })
      const { leaf, sequencedAtMs } = appended.entry
      // The leaf is byte for byte what an SCT signs, so a certificate sent again gets the SCT of its first entry.
      const signature = { algorithm, signature: await signer.sign(leaf) }
      const sct = { logId: log.logId, timestampMs: sequencedAtMs, extensions: noExtensions, signature }
      return sendJsonText(reply, uncached, JSON.stringify(addChainResponse(sct)))
    }
  }
}
