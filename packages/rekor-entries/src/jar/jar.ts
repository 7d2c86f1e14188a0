/** jar 0.0.1: a signed JAR, of which the log keeps digest, signature and a certificate. */
import { X509Certificate } from 'node:crypto'
import {
  asBuffer,
  canonicalJson,
  encodePem,
  parsePemBlock,
  sha256Hex,
  toBase64,
  utf8,
} from '@sigstack/crypto'
import type { SignedData } from '@sigstack/timestamp/cms'
import { type Artifact, artifactAt, storedArtifactHash } from '../artifact.ts'
import { parseSignedData } from '../cms/signed-data.ts'
import { signersOf } from '../cms/verify-signed-data.ts'
import type { EntryFacts, EntryVersion, Verified, VersionPolicy } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing, storedVerifiers } from '../foreign.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import { type CanonicalKey, verifierOf } from '../keys/canonical-key.ts'
import { searchKeysOf } from '../search-keys.ts'
import { verifySignedJar } from './signed-jar.ts'

const defaultMetadataLimitBytes = 1024 * 1024
/** base64 of the PEM of the largest signature block. */
const signatureLimit = 4 * 1024 * 1024

export const jar001: EntryVersion = { verify, factsOf }

async function verify(spec: JsonObject, policy: VersionPolicy): Promise<Verified> {
  const artifact = artifactAt(spec, 'archive')
  const limitBytes = policy.metadataLimitBytes ?? defaultMetadataLimitBytes
  const { signature, signer } = await refusing('', () => verifySignedJar(artifact.bytes, limitBytes))
  const pem = encodePem('PKCS7', signature.detached)
  return {
    body: encodeBody(artifact, pem, namedCertificate(signature, signer)),
    verifiers: [verifierOf(signer)],
    searchKeys: searchKeys(pem, `sha256:${artifact.sha256}`),
  }
}

/** The signer is found as it was when the signature was verified; what stands beside it in the body may be older. */
function factsOf(spec: JsonObject): EntryFacts {
  const content = textAt(objectAt(spec, 'signature', 'signature'), 'content', 'signature.content')
  const pem = parseBase64At(content, 'signature content', signatureLimit)
  const der = () => parsePemBlock(asBuffer(pem).toString('latin1')).block.der
  return {
    verifiers: storedVerifiers(() => signersOf(parseSignedData(der())).map(verifierOf)),
    searchKeys: searchKeys(pem, storedArtifactHash(spec, 'archive')),
  }
}

const mostCertificates = 10

/**
 * What the body names: the first certificate where it is of a CA above the signer, as upstream's log and clients write it (DER sorts a
 * set, X.690 section 11.6, so the order means nothing); else that of the signer. Who signed is told by the signature alone.
 */
function namedCertificate({ certificates }: SignedData, { certificates: [own] }: CanonicalKey): Uint8Array {
  const [first] = certificates
  if (first === undefined || own === undefined)
    throw new EntryError('bad_format', 'pkcs7: certificate missing from signedData')
  if (certificates.length > mostCertificates) return own.der
  const top = new X509Certificate(first)
  const above = certificates.map((der) => new X509Certificate(der)).filter(({ ca }) => ca)
  let current: X509Certificate | undefined = new X509Certificate(own.der)
  for (let steps = 0; current !== undefined && steps < mostCertificates; steps++) {
    if (current.raw.equals(top.raw)) return first
    const below: X509Certificate = current
    current = above.find((each) => below.checkIssued(each) && below.verify(each.publicKey))
  }
  return own.der
}

function encodeBody({ sha256 }: Artifact, pem: string, certificate: Uint8Array): Uint8Array {
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
  return searchKeysOf({ hashes: [sha256Hex(pem)], digests: [archiveHash] })
}
