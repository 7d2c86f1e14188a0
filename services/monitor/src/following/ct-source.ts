/** A CT log read by the API of RFC 6962. */

import { type PublicKey, toBase64, toHex, verifySignature } from '@sigstack/crypto'
import { CtError, parseDigitallySigned, sthSignedData } from '@sigstack/ct'
import { asHash, type Hash, hashBytes } from '@sigstack/merkle'
import { badAnswer, demandJson } from './ask.ts'
import { FollowError } from './errors.ts'
import { base64Of, bytesMember, countMember, listMember } from './json-members.ts'
import type { StoredLeaf, TreeSource } from './source.ts'

const largestEntries = 33_554_432
const mostEntries = 1_000n

export type CtSourceOptions = {
  readonly url: string
  readonly keys: () => Promise<readonly PublicKey[]>
}

export function ctSource({ url, keys }: CtSourceOptions): TreeSource {
  const at = (name: string) => `${url}/ct/v1/${name}`
  /** A tree head of RFC 6962 names no log: where it is stands for that. */
  const origin = url.replace(/^https?:\/\//, '')

  return {
    readHead: async (signal) => {
      const { json, dateMs } = await demandJson(at('get-sth'), { signal })
      const treeHead = {
        size: countMember(json, 'tree_size', url),
        rootHash: hashOf(bytesMember(json, 'sha256_root_hash', url), url),
      }
      const timestampMs = Number(countMember(json, 'timestamp', url))
      const signature = bytesMember(json, 'tree_head_signature', url)
      const note = JSON.stringify({
        tree_size: String(treeHead.size),
        timestamp: timestampMs,
        sha256_root_hash: toBase64(treeHead.rootHash),
        tree_head_signature: toBase64(signature),
      })
      const signed = signedData({ timestampMs, treeSize: treeHead.size, rootHash: treeHead.rootHash }, url)
      const bare = bareSignature(signature, url)
      for (const key of await keys())
        if (await verifySignature(key, 'sha256', signed, bare)) return { origin, treeHead, note, dateMs }
      throw new FollowError('bad_signature', 'no known key of the log has signed the head', {
        evidence: note,
      })
    },

    async *readLeaves({ start, end }, signal) {
      for (let next = start; next < end; ) {
        const last = (end - next > mostEntries ? next + mostEntries : end) - 1n
        const question = at(`get-entries?start=${next}&end=${last}`)
        const { json } = await demandJson(question, { signal, maxBytes: largestEntries })
        const entries = listMember(json, 'entries', url)
        // A log may give fewer than it was asked for.
        if (entries.length === 0 || BigInt(entries.length) > last - next + 1n)
          throw badAnswer(question, `it has ${entries.length} entries`)
        yield entries.map(
          (entry): StoredLeaf => ({
            leaf: bytesMember(entry, 'leaf_input', url),
            extra: bytesMember(entry, 'extra_data', url),
          }),
        )
        next += BigInt(entries.length)
      }
    },

    proveConsistency: async (oldSize, newSize, signal) => {
      if (oldSize === newSize) return { oldSize, newSize, hashes: [] }
      const question = at(`get-sth-consistency?first=${oldSize}&second=${newSize}`)
      const { json } = await demandJson(question, { signal })
      const hashes = listMember(json, 'consistency', url).map((text) =>
        hashOf(base64Of(text, 'a hash', url), url),
      )
      return { oldSize, newSize, hashes }
    },
  }
}

function signedData(head: Parameters<typeof sthSignedData>[0], url: string): Uint8Array {
  try {
    return sthSignedData(head)
  } catch (cause) {
    if (!(cause instanceof CtError)) throw cause
    throw badAnswer(url, cause.message, cause)
  }
}

function bareSignature(bytes: Uint8Array, url: string): Uint8Array {
  try {
    return parseDigitallySigned(bytes).signature
  } catch (cause) {
    if (!(cause instanceof CtError)) throw cause
    throw badAnswer(
      url,
      `the signature of the head (${toHex(bytes.subarray(0, 4))}…): ${cause.message}`,
      cause,
    )
  }
}

function hashOf(bytes: Uint8Array, url: string): Hash {
  if (bytes.length !== hashBytes) throw badAnswer(url, `a hash has ${bytes.length} bytes`)
  return asHash(bytes)
}
