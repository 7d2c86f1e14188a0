/** rpm 0.0.1: a signed RPM package, of which the log keeps digest and name. */
import { asBuffer, canonicalJson, sha256Hex, toBase64, utf8 } from '@sigstack/crypto'
import { type Artifact, artifactAt, storedArtifactHash } from '../artifact.ts'
import { indexForm, type VerifiedEntry } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing } from '../foreign.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import { type PgpKeyRing, parsePgpKeyRing, pgpKeyContentLimit } from '../keys/pgp/key-ring.ts'
import { parsePgpSignature, verifyPgpSignature } from '../keys/pgp/signature.ts'
import { parsePgpSignatureV3, verifyPgpSignatureV3 } from '../keys/pgp/signature-v3.ts'
import { pgpSubjectsOf } from '../keys/pgp/subjects.ts'
import type { EntryVersion } from '../kinds.ts'
import { parseRpmPackage, type RpmPackage, type RpmSignature } from './package.ts'

export const rpm001: EntryVersion = { verify, searchKeysOf }

async function verify(spec: JsonObject): Promise<VerifiedEntry> {
  const ring = await parsePgpKeyRing(keyAt(spec))
  const artifact = artifactAt(spec, 'package')
  return refusing('', async () => {
    const rpm = parseRpmPackage(artifact.bytes)
    if (rpm.signatures.length === 0)
      throw new EntryError('bad_signature', 'no supported PGP signature found in RPM')
    for (const signature of rpm.signatures) await verifySignature(ring, signature)
    return {
      kind: 'rpm',
      apiVersion: '0.0.1',
      body: encodeBody(artifact, rpm, ring),
      searchKeys: searchKeys(ring, `sha256:${artifact.sha256}`),
    }
  })
}

async function verifySignature(ring: PgpKeyRing, { signature, signedBytes }: RpmSignature): Promise<void> {
  const old = parsePgpSignatureV3(signature)
  if (old !== undefined) return verifyPgpSignatureV3(ring, old, signedBytes)
  return verifyPgpSignature(ring, await parsePgpSignature(signature), signedBytes)
}

function searchKeysOf(spec: JsonObject): readonly string[] {
  const key = keyAt(spec)
  return indexForm([
    sha256Hex(key),
    ...pgpSubjectsOf(asBuffer(key).toString('latin1')),
    storedArtifactHash(spec, 'package'),
  ])
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

function searchKeys({ hash, subjects }: PgpKeyRing, packageHash: string): readonly string[] {
  return indexForm([hash, ...subjects, packageHash])
}
