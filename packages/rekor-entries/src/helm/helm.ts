/** helm 0.0.1: a chart's digest, by the provenance file that signs it. */
import { asBuffer, canonicalJson, sha256Hex, toBase64, utf8 } from '@sigstack/crypto'
import { indexForm, type VerifiedEntry } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing } from '../foreign.ts'
import { hashKeyAt } from '../hash-fields.ts'
import { type JsonObject, memberOf, objectAt, parseBase64At, textAt } from '../json.ts'
import { type PgpKeyRing, parsePgpKeyRing, pgpKeyContentLimit } from '../keys/pgp/key-ring.ts'
import { type PgpSignature, parsePgpSignature, verifyPgpSignature } from '../keys/pgp/signature.ts'
import { pgpSubjectsOf } from '../keys/pgp/subjects.ts'
import type { EntryVersion } from '../kinds.ts'
import { type Provenance, parseProvenance } from './provenance.ts'

/** base64 of 192 KiB: it holds a Chart.yaml and one line. */
const provenanceLimit = 256 * 1024

export const helm001: EntryVersion = { verify, searchKeysOf }

async function verify(spec: JsonObject): Promise<VerifiedEntry> {
  const keyContent = keyAt(spec)
  const content = provenanceAt(spec)
  return refusing('', async () => {
    const ring = await parsePgpKeyRing(keyContent)
    const provenance = await parseProvenance(content)
    const signature = await parsePgpSignature(provenance.signature)
    await verifyPgpSignature(ring, signature, provenance.signedBytes)
    return {
      kind: 'helm',
      apiVersion: '0.0.1',
      body: encodeBody(provenance, signature, ring),
      searchKeys: indexForm([
        ring.hash,
        ...ring.subjects,
        `${provenance.chartHash.algorithm}:${provenance.chartHash.value}`,
      ]),
    }
  })
}

function searchKeysOf(spec: JsonObject): readonly string[] {
  const chartHash = hashKeyAt(objectAt(spec, 'chart', 'chart'), 'hash', 'chart.hash')
  const key = keyAt(spec)
  return indexForm([sha256Hex(key), ...pgpSubjectsOf(asBuffer(key).toString('latin1')), chartHash])
}

function keyAt(spec: JsonObject): Uint8Array {
  const content = textAt(objectAt(spec, 'publicKey', 'publicKey'), 'content', 'publicKey.content')
  return parseBase64At(content, 'publicKey content', pgpKeyContentLimit)
}

function provenanceAt(spec: JsonObject): Uint8Array {
  const provenance = objectAt(objectAt(spec, 'chart', 'chart'), 'provenance', 'chart.provenance')
  const content = memberOf(provenance, 'content')
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
