/** jar 0.0.1: a signed JAR, of which the log keeps digest, signature and the first certificate in it. */
import { canonicalJson, encodePem, sha256Hex, toBase64, utf8 } from '@sigstack/crypto'
import { type Artifact, artifactAt, storedArtifactHash } from '../artifact.ts'
import type { SignedData } from '../cms/signed-data.ts'
import { type EntryPolicy, indexForm, type VerifiedEntry } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing } from '../foreign.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import type { EntryVersion } from '../kinds.ts'
import { verifySignedJar } from './signed-jar.ts'

const defaultMetadataLimitBytes = 1024 * 1024
/** base64 of the PEM of the largest signature block. */
const signatureLimit = 4 * 1024 * 1024

export const jar001: EntryVersion = { verify, searchKeysOf }

async function verify(spec: JsonObject, policy: EntryPolicy): Promise<VerifiedEntry> {
  const artifact = artifactAt(spec, 'archive')
  const limitBytes = policy.metadataLimitBytes ?? defaultMetadataLimitBytes
  const signature = await refusing('', () => verifySignedJar(artifact.bytes, limitBytes))
  const pem = encodePem('PKCS7', signature.detached)
  return {
    kind: 'jar',
    apiVersion: '0.0.1',
    body: encodeBody(artifact, pem, signature),
    searchKeys: searchKeys(pem, `sha256:${artifact.sha256}`),
  }
}

function searchKeysOf(spec: JsonObject): readonly string[] {
  const content = textAt(objectAt(spec, 'signature', 'signature'), 'content', 'signature.content')
  const pem = parseBase64At(content, 'signature content', signatureLimit)
  return searchKeys(pem, storedArtifactHash(spec, 'archive'))
}

function encodeBody({ sha256 }: Artifact, pem: string, { certificates }: SignedData): Uint8Array {
  const [certificate] = certificates
  if (certificate === undefined)
    throw new EntryError('bad_format', 'pkcs7: certificate missing from signedData')
  return utf8(
    canonicalJson({
      apiVersion: '0.0.1',
      kind: 'jar',
      spec: {
        archive: { hash: { algorithm: 'sha256', value: sha256 } },
        signature: {
          content: toBase64(utf8(pem)),
          publicKey: { content: toBase64(utf8(encodePem('CERTIFICATE', certificate))) },
        },
      },
    }),
  )
}

/** By the signature, not by its key: a quirk of Rekor that its clients rely on. */
function searchKeys(pem: string | Uint8Array, archiveHash: string): readonly string[] {
  return indexForm([sha256Hex(pem), archiveHash])
}
