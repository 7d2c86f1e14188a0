/**
 * Old signatures without a log entry beside them: the log that the caller trusts may hold one all the same. What it
 * answers counts for nothing until it has been verified like any other entry.
 */

import { encodePublicKeyPem, parseBase64, parseUtf8, reasonOf } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import { rekorBundle, SigningError, searchLog, selectWitnesses } from '@sigstack/signing'
import {
  artifactOfBytes,
  layerAnnotations,
  readEnvelope,
  type StoredLayer,
  VerificationError,
  type VerifyOptions,
} from '@sigstack/verification'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { readTrustConfig } from '../trust-source.ts'
import type { VerifyingOptions } from './verifying-options.ts'

/** A layer with the entry that the log holds of it; the layer itself where there is none. Throws `not_verified`. */
export type LogSearch = (layer: StoredLayer) => Promise<StoredLayer>

/** Undefined where no log has to vouch, or none is to be asked. Nobody is asked before there is something to look for. */
export function logSearch(
  io: Io,
  options: VerifyingOptions,
  signer: VerifyOptions['signer'],
): LogSearch | undefined {
  if (options.insecureIgnoreTlog === true || io.prefersKept === true) return undefined
  let urls: Promise<readonly string[]> | undefined
  return async (layer) => {
    const sought = soughtOf(layer, signer)
    if (sought === undefined) return layer
    urls ??= logsOf(io, options)
    for (const url of await urls) {
      const [entry] = await searched(searchLog(url, sought, requestBounded))
      if (entry !== undefined)
        return {
          ...layer,
          annotations: { ...layer.annotations, [layerAnnotations.bundle]: rekorBundle(entry) },
        }
    }
    return layer
  }
}

/** What the caller names, else what the profile or the running stack signs with: never a log that nobody named. */
async function logsOf(io: Io, options: VerifyingOptions): Promise<readonly string[]> {
  if (options.rekorUrl !== undefined) return [options.rekorUrl]
  if (options.trustedRoot !== undefined || options.trustText !== undefined) return []
  try {
    const { signingConfig } = await readTrustConfig(io, options)
    // Those of version 2 are tiles, and are not searched.
    return selectWitnesses(signingConfig, new Date(), { logVersions: [1] }).logs.map(({ url }) => url)
  } catch (error) {
    // Who verifies needs no services to sign with.
    if (error instanceof CliError || error instanceof SigningError) return []
    throw error
  }
}

/** As cosign looks for it, a plain signature is over SHA-256. */
function soughtOf({ payload, annotations }: StoredLayer, signer: VerifyOptions['signer']) {
  if (annotations[layerAnnotations.bundle]) return undefined
  const verifierPem =
    annotations[layerAnnotations.certificate] ||
    ('key' in signer ? encodePublicKeyPem(signer.key) : undefined)
  if (verifierPem === undefined) return undefined
  try {
    const signature = parseBase64(annotations[layerAnnotations.signature] ?? '')
    if (signature.length === 0) {
      const envelope = parseUtf8(payload) ?? ''
      return { content: readEnvelope(envelope), verifierPem, envelope }
    }
    const digest = artifactOfBytes(payload).digests.sha256 ?? new Uint8Array()
    return { content: { type: 'message', algorithm: 'sha256', digest, signature }, verifierPem } as const
  } catch {
    // What is wrong with it is told where it is verified.
    return undefined
  }
}

async function searched<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    if (!(cause instanceof SigningError)) throw cause
    throw new VerificationError('not_verified', `no log entry is beside it, and ${reasonOf(cause)}`, {
      cause,
    })
  }
}
