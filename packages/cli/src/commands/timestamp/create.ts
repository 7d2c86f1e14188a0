import { randomBytes } from 'node:crypto'
import { digest, equalBytes, isHashAlgorithm, quoted } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import { askForTimestamp, selectWitnesses } from '@sigstack/signing'
import { encodeTimestampRequest, type TimestampRequest } from '@sigstack/timestamp'
import { CliError } from '../../errors.ts'
import { readInput, writeOutput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { readTrustConfig } from '../../trust-source.ts'
import { readStamp } from './read-stamp.ts'

export type CreateOptions = {
  readonly url?: string
  readonly hash: string
  readonly policy?: string
  readonly nonce: boolean
  readonly certificate: boolean
  readonly out?: string
  readonly data?: string
  readonly profile?: string
}

export async function createTimestamp(io: Io, file: string, options: CreateOptions): Promise<void> {
  const { hash, policy } = options
  if (!isHashAlgorithm(hash))
    throw new CliError('bad_usage', `${quoted(hash, 40)} is no hash to stamp; use sha256, sha384 or sha512`)
  if (policy !== undefined && !/^[0-2](\.\d{1,15}){1,60}$/.test(policy))
    throw new CliError('bad_usage', `${quoted(policy, 60)} is no object identifier such as 1.2.3`)
  const out = options.out ?? (file === '-' ? '-' : `${file}.tsr`)
  const request: TimestampRequest = {
    hash,
    imprint: digest(hash, await readInput(io, file)),
    ...(policy !== undefined && { policy }),
    ...(options.nonce && { nonce: positiveNonce() }),
    certificates: options.certificate,
    hasExtensions: false,
  }
  const url = options.url ?? (await authorityOf(io, options))
  const response = await askForTimestamp(url, encodeTimestampRequest(request), requestBounded)
  const time = demandAnswer(response, request, url)
  await writeOutput(io, out, response, file === '-' ? [] : [file])
  io.err(`Stamped at ${time.toISOString()} by ${url}\n`)
  if (out !== '-') io.err(`Wrote timestamp to file ${out}\n`)
}

/** Of the signing config that would be used to sign. */
async function authorityOf(io: Io, options: CreateOptions): Promise<string> {
  const { signingConfig } = await readTrustConfig(io, options)
  const [url] = selectWitnesses(signingConfig, new Date()).tsaUrls
  if (url === undefined)
    throw new CliError('bad_trust', 'the signing config names no timestamp authority', {
      advice: 'Name one with --url.',
    })
  return url
}

/** What came back must be about what was asked, whoever vouches for it. */
function demandAnswer(response: Uint8Array, request: TimestampRequest, url: string): Date {
  const { status, statusText, token } = readStamp(response, url)
  if (status !== 0 || token === undefined)
    throw new CliError(
      'not_signed',
      `${url} does not stamp (status ${status}${statusText === undefined ? '' : `: ${quoted(statusText, 200)}`})`,
    )
  const { nonce } = request
  const isAnswer =
    token.hash === request.hash &&
    equalBytes(token.imprint, request.imprint) &&
    (nonce === undefined || (token.nonce !== undefined && equalBytes(token.nonce, nonce))) &&
    (request.policy === undefined || token.policy === request.policy)
  if (!isAnswer) throw new CliError('not_signed', `${url} stamped something else than was asked for`)
  return token.time
}

/** 8 bytes, as authorities of any make take them: positive and minimal. */
function positiveNonce(): Uint8Array {
  const bytes = Uint8Array.from(randomBytes(8))
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes
}
