/** alpine 0.0.1: a signed apk, of which the log keeps digest and metadata. */
import { canonicalJson, type PublicKey, utf8 } from '@sigstack/crypto'
import { type Artifact, artifactAt, storedArtifactHash } from '../artifact.ts'
import type { EntryFacts, EntryVersion, Verified, VersionPolicy } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing } from '../foreign.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import {
  type CanonicalKey,
  encodeCanonicalKey,
  keyContentLimit,
  parseCanonicalKey,
  storedVerifier,
  verifierOf,
  verifyCanonicalChain,
} from '../keys/canonical-key.ts'
import { verifyWith } from '../keys/verify-with.ts'
import { foundByVerifiers, searchKeysOf } from '../search-keys.ts'
import type { Verifier } from '../verifier.ts'
import { type AlpinePackage, parseAlpinePackage } from './package.ts'

const defaultMetadataLimitBytes = 1024 * 1024

export const alpine001: EntryVersion = { verify, factsOf }

async function verify(spec: JsonObject, policy: VersionPolicy): Promise<Verified> {
  const key = parseCanonicalKey(keyAt(spec))
  const artifact = artifactAt(spec, 'package')
  return refusing('', async () => {
    const apk = await parseAlpinePackage(
      artifact.bytes,
      policy.metadataLimitBytes ?? defaultMetadataLimitBytes,
    )
    await verifyCanonicalChain(key)
    if (!(await isSigned(apk, key.publicKey)))
      throw new EntryError('bad_signature', 'verifying signature: the package is not signed by this key')
    return {
      body: encodeBody(artifact, apk, key),
      ...facts(verifierOf(key), `sha256:${artifact.sha256}`),
    }
  })
}

function factsOf(spec: JsonObject): EntryFacts {
  return facts(storedVerifier(keyAt(spec)), storedArtifactHash(spec, 'package'))
}

function keyAt(spec: JsonObject): Uint8Array {
  const content = textAt(objectAt(spec, 'publicKey', 'publicKey'), 'content', 'publicKey.content')
  return parseBase64At(content, 'public key content', keyContentLimit)
}

/** SHA-1 is what abuild signs with, and a log records what there is; the data hangs on SHA-256. */
async function isSigned({ signature, signedBytes }: AlpinePackage, key: PublicKey): Promise<boolean> {
  if (key.type === 'ed25519') return false
  return verifyWith('sha1', signedBytes, { key }, signature)
}

function encodeBody({ sha256 }: Artifact, { pkginfo }: AlpinePackage, key: CanonicalKey): Uint8Array {
  return utf8(
    canonicalJson({
      apiVersion: '0.0.1',
      kind: 'alpine',
      spec: {
        package: { hash: { algorithm: 'sha256', value: sha256 }, pkginfo: Object.fromEntries(pkginfo) },
        publicKey: { content: encodeCanonicalKey(key) },
      },
    }),
  )
}

function facts(verifier: Verifier, packageHash: string): EntryFacts {
  return {
    verifiers: [verifier],
    searchKeys: searchKeysOf({ ...foundByVerifiers([verifier]), digests: [packageHash] }),
  }
}
