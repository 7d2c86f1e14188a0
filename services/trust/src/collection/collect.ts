/** What the services sign with at this moment, as they say themselves or as the operator's files say. */
import { CryptoError, encodePem, type PublicKey, parsePemBlocks, parsePublicKeyPem } from '@sigstack/crypto'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Config, KeySource } from '../config.ts'
import { TrustError } from '../errors.ts'
import { type ChainToTrust, parseChainsFile } from './chains-file.ts'
import { readSourceFile, readUrl, readUrlIfThere } from './read-source.ts'

export type Observed = {
  readonly chains: readonly ChainToTrust[]
  /** Of every shard, oldest first, and one that is prepared for the next: all of them stay without an end. */
  readonly rekorKeys: readonly PublicKey[]
  /** The one of them that signs now, where the log itself was asked. */
  readonly activeRekorKey?: PublicKey
  /** Undefined where there is no CT log. */
  readonly ctKey: PublicKey | undefined
}

const TrustBundle = Type.Object({
  chains: Type.Array(
    Type.Object({
      certificates: Type.Array(Type.String({ maxLength: 65_536 }), { minItems: 1, maxItems: 16 }),
    }),
    { minItems: 1, maxItems: 64 },
  ),
})

/** Throws a {@link TrustError} that names the source which failed. */
export async function collect(sources: Config['sources'], signal: AbortSignal): Promise<Observed> {
  const [chains, rekor, ctKey] = await Promise.all([
    collectChains(sources.ca, signal),
    collectRekorKeys(sources.rekor, signal),
    sources.ct === undefined ? undefined : collectKey(sources.ct, '/publicKey', 'CT_PUBLIC_KEY_FILE', signal),
  ])
  return { chains, ...rekor, ctKey }
}

async function collectChains(source: KeySource, signal: AbortSignal): Promise<Observed['chains']> {
  if ('file' in source) return parseChainsFile(await readSourceFile(source.file), source.file)
  const url = `${source.url}/api/v2/trustBundle`
  const bundle = parseJson(await readUrl(url, signal))
  if (!Value.Check(TrustBundle, bundle)) {
    throw new TrustError('source_unusable', `${url} does not answer with a trust bundle`)
  }
  return bundle.chains.map(({ certificates }) => ({
    certificates: certificatesIn(certificates.join('\n'), url),
  }))
}

/** All keys of the log; a log of another make says only which one is active. */
async function collectRekorKeys(
  source: KeySource,
  signal: AbortSignal,
): Promise<Pick<Observed, 'rekorKeys' | 'activeRekorKey'>> {
  const fileVariable = 'REKOR_PUBLIC_KEY_FILE'
  if ('file' in source) {
    return { rekorKeys: keysIn(await readSourceFile(source.file), source.file, fileVariable) }
  }
  const url = `${source.url}/api/v1/log/publicKeys`
  const [all, activeRekorKey] = await Promise.all([
    readUrlIfThere(url, signal),
    collectKey(source, '/api/v1/log/publicKey', fileVariable, signal),
  ])
  return { rekorKeys: all === undefined ? [activeRekorKey] : keysIn(all, url, fileVariable), activeRekorKey }
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
