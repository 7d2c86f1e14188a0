/** rpm 0.0.1: a signed RPM package, of which the log keeps digest and name. */
import { canonicalJson, toBase64, utf8 } from '@sigstack/crypto'
import { type Artifact, artifactAt, storedArtifactHash } from '../artifact.ts'
import type { EntryFacts, EntryVersion, Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing } from '../foreign.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import { type PgpKeyRing, parsePgpKeyRing, pgpKeyContentLimit } from '../keys/pgp/key-ring.ts'
import { parsePgpSignature, verifyPgpSignature } from '../keys/pgp/signature.ts'
import { pgpVerifier, storedPgpSubjects, storedPgpVerifier } from '../keys/pgp/verifier.ts'
import { searchKeysOf } from '../search-keys.ts'
import type { Verifier } from '../verifier.ts'
import { parseRpmPackage, type RpmPackage } from './package.ts'

export const rpm001: EntryVersion = { verify, factsOf }

async function verify(spec: JsonObject): Promise<Verified> {
  const ring = await parsePgpKeyRing(keyAt(spec))
  const artifact = artifactAt(spec, 'package')
  return refusing('', async () => {
    const rpm = parseRpmPackage(artifact.bytes)
    if (rpm.signatures.length === 0)
      throw new EntryError('bad_signature', 'no supported PGP signature found in RPM')
    // Mostly one key made them all.
    const verifiers = new Map<string, Verifier>()
    for (const { signature, signedBytes } of rpm.signatures) {
      const signer = await verifyPgpSignature(ring, await parsePgpSignature(signature), signedBytes)
      verifiers.set(signer.fingerprints.join(), pgpVerifier(ring, signer))
    }
    return {
      body: encodeBody(artifact, rpm, ring),
      verifiers: [...verifiers.values()],
      searchKeys: searchKeysOf({
        hashes: [ring.hash],
        subjects: ring.subjects,
        digests: [`sha256:${artifact.sha256}`],
      }),
    }
  })
}

function factsOf(spec: JsonObject): EntryFacts {
  const key = keyAt(spec)
  const verifier = storedPgpVerifier(key)
  const digest = storedArtifactHash(spec, 'package')
  return {
    verifiers: [verifier],
    searchKeys: searchKeysOf({
      hashes: [verifier.keyHash],
      subjects: storedPgpSubjects(key),
      digests: [digest],
    }),
  }
}

function keyAt(spec: JsonObject): Uint8Array {
  const content = textAt(objectAt(spec, 'publicKey', 'publicKey'), 'content', 'publicKey.content')
  return parseBase64At(content, 'publicKey content', pgpKeyContentLimit)
}

/** The SHA digests of the signature header are not among the headers: leaf hashes of old entries depend on it. */
function encodeBody({ sha256 }: Artifact, rpm: RpmPackage, { armored }: PgpKeyRing): Uint8Array {
  return utf8(
    canonicalJson({
      apiVersion: '0.0.1',
      kind: 'rpm',
      spec: {
        package: {
          hash: { algorithm: 'sha256', value: sha256 },
          headers: {
            Name: rpm.name,
            Epoch: rpm.epoch,
            Version: rpm.version,
            Release: rpm.release,
            Architecture: rpm.architecture,
            RPMSIGTAG_MD5: rpm.md5,
          },
        },
        publicKey: { content: toBase64(utf8(armored)) },
      },
    }),
  )
}
