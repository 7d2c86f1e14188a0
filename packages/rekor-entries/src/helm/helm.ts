/** helm 0.0.1: a chart's digest, by the provenance file that signs it. */
import { canonicalJson, memberAt, toBase64, utf8 } from '@sigstack/crypto'
import type { EntryFacts, EntryVersion, Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing } from '../foreign.ts'
import { hashKeyAt } from '../hash-fields.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import { type PgpKeyRing, parsePgpKeyRing, pgpKeyContentLimit } from '../keys/pgp/key-ring.ts'
import { type PgpSignature, parsePgpSignature, verifyPgpSignature } from '../keys/pgp/signature.ts'
import { pgpVerifier, storedPgpSubjects, storedPgpVerifier } from '../keys/pgp/verifier.ts'
import { searchKeysOf } from '../search-keys.ts'
import { type Provenance, parseProvenance } from './provenance.ts'

/** base64 of 192 KiB: it holds a Chart.yaml and one line. */
const provenanceLimit = 256 * 1024

export const helm001: EntryVersion = { verify, factsOf }

async function verify(spec: JsonObject): Promise<Verified> {
  const keyContent = keyAt(spec)
  const content = provenanceAt(spec)
  return refusing('', async () => {
    const ring = await parsePgpKeyRing(keyContent)
    const provenance = await parseProvenance(content)
    const signature = await parsePgpSignature(provenance.signature)
    const signer = await verifyPgpSignature(ring, signature, provenance.signedBytes)
    return {
      body: encodeBody(provenance, signature, ring),
      verifiers: [pgpVerifier(ring, signer)],
      searchKeys: searchKeysOf({
        hashes: [ring.hash],
        subjects: ring.subjects,
        digests: [`${provenance.chartHash.algorithm}:${provenance.chartHash.value}`],
      }),
    }
  })
}

function factsOf(spec: JsonObject): EntryFacts {
  const chartHash = hashKeyAt(objectAt(spec, 'chart', 'chart'), 'hash', 'chart.hash')
  const key = keyAt(spec)
  const verifier = storedPgpVerifier(key)
  return {
    verifiers: [verifier],
    searchKeys: searchKeysOf({
      hashes: [verifier.keyHash],
      subjects: storedPgpSubjects(key),
      digests: [chartHash],
    }),
  }
}

function keyAt(spec: JsonObject): Uint8Array {
  const content = textAt(objectAt(spec, 'publicKey', 'publicKey'), 'content', 'publicKey.content')
  return parseBase64At(content, 'publicKey content', pgpKeyContentLimit)
}

function provenanceAt(spec: JsonObject): Uint8Array {
  const provenance = objectAt(objectAt(spec, 'chart', 'chart'), 'provenance', 'chart.provenance')
  const content = memberAt(provenance, 'content')
  if (typeof content !== 'string' || content === '')
    throw new EntryError('bad_field', "'content' must be specified for provenance")
  return parseBase64At(content, 'provenance content', provenanceLimit)
}

function encodeBody(
  { chartHash }: Provenance,
  { canonical }: PgpSignature,
  { armored }: PgpKeyRing,
): Uint8Array {
  return utf8(
    canonicalJson({
      apiVersion: '0.0.1',
      kind: 'helm',
      spec: {
        chart: { hash: chartHash, provenance: { signature: { content: toBase64(canonical) } } },
        publicKey: { content: toBase64(utf8(armored)) },
      },
    }),
  )
}
