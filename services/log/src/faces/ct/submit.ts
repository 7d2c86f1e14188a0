/** add-chain, add-pre-chain and get-roots (RFC 6962 sections 4.1, 4.2 and 4.7). */
import { toBase64 } from '@sigstack/crypto'
import {
  addChainResponse,
  leafIndexExtensions,
  merkleTreeLeaf,
  parseMerkleTreeLeaf,
  type SignedEntry,
} from '@sigstack/ct'
import type { AddressLimiter } from '../../admission/address-limiter.ts'
import { CtRefusal } from './errors.ts'
import { sendJsonText, uncached } from './reply.ts'
import type { Handler } from './route.ts'
import { signatureKind } from './tree-head.ts'

const noExtensions = new Uint8Array()

export const addChain = add('x509')
export const addPreChain = add('precert')

export const getRoots: Handler = ({ roots }) => ({
  handler: async (_request, reply) => {
    if (roots.current().certificates.length === 0) await roots.refresh()
    const certificates = roots.current().certificates.map(({ der }) => toBase64(der))
    return sendJsonText(reply, uncached, JSON.stringify({ certificates }))
  },
})

function add(type: SignedEntry['type']): Handler {
  return ({ log, signer, validate, issuers: store, namesIndex, addressLimiter, ...limits }) => {
    const algorithm = signatureKind(signer)
    return {
      bodyLimit: limits.bodyLimitBytes,
      // Before the body is read.
      onRequest: async ({ ip }) => admitAddress(ip, addressLimiter),
      handler: async (request, reply) => {
        const { identity, entry, extraData, issuers } = await validate(type, request.body)
        const leafAt = (timestampMs: number, leafIndex: bigint) => {
          const extensions = namesIndex ? leafIndexExtensions(leafIndex) : noExtensions
          return merkleTreeLeaf({ timestampMs, entry, extensions })
        }
        assertFits(leafAt(0, 0n), limits.entryLimitBytes)
        // Before the entry, whose tile names them.
        await store.keep(issuers)
        const placed = await log.place({
          identity,
          sizeBytes: 2 * extraData.length,
          encode: ({ sequencedAtMs, leafIndex }) => ({
            leaf: leafAt(sequencedAtMs, leafIndex),
            extra: extraData,
          }),
        })
        const { leaf, sequencedAtMs } = placed.entry
        // The leaf is byte for byte what an SCT signs, so a certificate sent again gets the SCT of its first entry.
        const signature = { algorithm, signature: await signer.sign(leaf) }
        const { extensions } = parseMerkleTreeLeaf(leaf)
        const sct = { logId: log.logId, timestampMs: sequencedAtMs, extensions, signature }
        return sendJsonText(reply, uncached, JSON.stringify(addChainResponse(sct)))
      },
    }
  }
}

async function admitAddress(ip: string, limiter: AddressLimiter | undefined): Promise<void> {
  const taken = await limiter?.takeAddress(ip)
  if (taken === undefined || taken.allowed) return
  const { retryAfterSeconds } = taken
  throw new CtRefusal(429, 'too many submissions from this address', { retryAfterSeconds })
}

/** One that is too large for an entry bundle takes its 255 neighbours from everybody who reads the log by tiles. */
function assertFits({ length }: Uint8Array, limitBytes: number): void {
  if (length <= limitBytes) return
  throw new CtRefusal(413, `the entry has ${length} bytes, and this log takes at most ${limitBytes}`)
}
