/** What a service signs with at this moment, as it says itself or as the operator's file says. */
import { CryptoError, encodePem, type PublicKey, parsePemBlocks, parsePublicKeyPem } from '@sigstack/crypto'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { TrustError } from '../errors.ts'
import { type ChainToTrust, parseChainsFile } from './chains-file.ts'
import { type LineLog, parseLine } from './line.ts'
import { type KeySource, readSourceFile, readUrl, readUrlIfThere } from './read-source.ts'

export type ServiceKeys = {
  /** Of an authority. */
  readonly chains: readonly ChainToTrust[]
  /** Of a log: every shard's, oldest first, and one that is prepared for the next: all of them stay without an end. */
  readonly keys: readonly PublicKey[]
  /** The one of them that signs now, where the log itself was asked and says so. */
  readonly activeKey?: PublicKey
  /** Of a log that has others before or behind it: all of them. */
  readonly line?: readonly LineLog[]
}

/** Throws a {@link TrustError} that names the source; `fileVariable` is what can name a file in its place. */
export type Ask = (source: KeySource, fileVariable: string, signal: AbortSignal) => Promise<ServiceKeys>

const TrustBundle = Type.Object({
  chains: Type.Array(
    Type.Object({
      certificates: Type.Array(Type.String({ maxLength: 65_536 }), { minItems: 1, maxItems: 16 }),
    }),
    { minItems: 1, maxItems: 64 },
  ),
})

/** An authority that answers as Fulcio does. */
export const askForTrustBundle: Ask = async (source, _fileVariable, signal) => {
  if ('file' in source) {
    return { chains: await parseChainsFile(await readSourceFile(source.file), source.file), keys: [] }
  }
  const url = `${source.url}/api/v2/trustBundle`
  return { chains: chainsIn(await readUrl(url, signal), url), keys: [] }
}

/** All chains of a timestamp authority; one of another make says only which one stamps now. */
export const askForStampChains: Ask = async (source, _fileVariable, signal) => {
  if ('file' in source)
    return { chains: await parseChainsFile(await readSourceFile(source.file), source.file), keys: [] }
  const base = source.url.endsWith(stampPath) ? source.url : `${source.url}${stampPath}`
  const all = await readUrlIfThere(`${base}/trustBundle`, signal)
  if (all !== undefined) return { chains: chainsIn(all, `${base}/trustBundle`), keys: [] }
  const url = `${base}/certchain`
  return { chains: [{ certificates: certificatesIn(await readUrl(url, signal), url) }], keys: [] }
}

const stampPath = '/api/v1/timestamp'

function chainsIn(text: string, url: string): readonly ChainToTrust[] {
  const bundle = parseJson(text)
  if (!Value.Check(TrustBundle, bundle)) {
    throw new TrustError('source_unusable', `${url} does not answer with a trust bundle`)
  }
  return bundle.chains.map(({ certificates }) => ({
    certificates: certificatesIn(certificates.join('\n'), url),
  }))
}

/** All keys of a Rekor v1 log; a log of another make says only which one is active. */
export const askForShardKeys: Ask = async (source, fileVariable, signal) => {
  if ('file' in source) {
    return { chains: [], keys: keysIn(await readSourceFile(source.file), source.file, fileVariable) }
  }
  const url = `${source.url}/api/v1/log/publicKeys`
  const [all, activeKey] = await Promise.all([
    readUrlIfThere(url, signal),
    collectKey(source, '/api/v1/log/publicKey', fileVariable, signal),
  ])
  return { chains: [], keys: all === undefined ? [activeKey] : keysIn(all, url, fileVariable), activeKey }
}

/** A log with one key, in PEM at `/publicKey`, that tells at `path` of those before and behind it; of another make it tells of itself alone. */
export function askForLine(path: string): Ask {
  return async (source, fileVariable, signal) => {
    const line = 'file' in source ? undefined : await collectLine(`${source.url}${path}`, signal)
    if (line === undefined)
      return { chains: [], keys: [await collectKey(source, '/publicKey', fileVariable, signal)] }
    const activeKey = line.findLast(({ isPrepared }) => !isPrepared)?.publicKey
    return {
      chains: [],
      keys: line.map(({ publicKey }) => publicKey),
      ...(activeKey !== undefined && { activeKey }),
      line,
    }
  }
}

async function collectLine(url: string, signal: AbortSignal): Promise<readonly LineLog[] | undefined> {
  const text = await readUrlIfThere(url, signal)
  if (text === undefined) return undefined
  try {
    const line = parseLine(parseJson(text))
    if (line !== undefined) return line
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new TrustError('source_unusable', `${url} names something other than public keys in PEM`, { cause })
  }
  throw new TrustError('source_unusable', `${url} does not answer with a list of logs`)
}

async function collectKey(
  source: KeySource,
  path: string,
  fileVariable: string,
  signal: AbortSignal,
): Promise<PublicKey> {
  const origin = 'file' in source ? source.file : source.url + path
  const text = 'file' in source ? await readSourceFile(source.file) : await readUrl(origin, signal)
  return keyIn(text, origin, fileVariable)
}

/** One key or more in PEM. */
function keysIn(text: string, origin: string, fileVariable: string): readonly PublicKey[] {
  let pems: readonly string[] = []
  try {
    pems = parsePemBlocks(text).map(({ type, der }) => encodePem(type, der))
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
  }
  // What has no block at all is refused in the words for a single key.
  return (pems.length === 0 ? [text] : pems).map((pem) => keyIn(pem, origin, fileVariable))
}

function keyIn(text: string, origin: string, fileVariable: string): PublicKey {
  try {
    return parsePublicKeyPem(text)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new TrustError(
      'source_unusable',
      `${origin} is not a public key in PEM; ${fileVariable} can name a file with the key instead`,
      { cause },
    )
  }
}

function certificatesIn(text: string, origin: string): readonly Uint8Array[] {
  try {
    const blocks = parsePemBlocks(text)
    const stranger = blocks.find(({ type }) => type !== 'CERTIFICATE')
    if (blocks.length > 0 && stranger === undefined) return blocks.map(({ der }) => der)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new TrustError('source_unusable', `${origin} holds no PEM certificates`, { cause })
  }
  throw new TrustError('source_unusable', `${origin} holds something other than PEM certificates`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
