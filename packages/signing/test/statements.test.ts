/** Payloads against the bytes that cosign 3.1.3 wrote for the same input. */
import t from 'tap'
import {
  attestationStatement,
  imageStatement,
  predicateTypeOfStatement,
  predicateTypeUri,
  simpleSigningPayload,
} from '../src/index.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const now = new Date('2026-12-01T14:37:22.987Z')
const hex = '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03'
const subject = { name: 'a.txt', digest: { sha256: hex } }
const subjectJson = `"subject":[{"name":"a.txt","digest":{"sha256":"${hex}"}}]`

t.test('a predicate of no type of its own is kept as text, with the time in seconds', async (t) => {
  t.equal(
    text(attestationStatement(subject, 'custom', '{"a":1}\n', now)),
    `{"_type":"https://in-toto.io/Statement/v0.1",${subjectJson},"predicateType":"https://cosign.sigstore.dev/attestation/v1","predicate":{"Data":"{\\"a\\":1}\\n","Timestamp":"2026-12-01T14:37:22Z"}}`,
  )
})

t.test('every other type has its URI, and the file as an object', async (t) => {
  const link = '{"_type":"https://in-toto.io/Link/v1"}'
  const uris: readonly [type: string, uri: string, predicate: string][] = [
    ['slsaprovenance', 'https://slsa.dev/provenance/v0.2', '{"a":1}'],
    ['slsaprovenance02', 'https://slsa.dev/provenance/v0.2', '{"a":1}'],
    ['slsaprovenance1', 'https://slsa.dev/provenance/v1', '{"a":1}'],
    ['link', 'https://in-toto.io/Link/v1', link],
    ['spdxjson', 'https://spdx.dev/Document', '{"a":1}'],
    ['cyclonedx', 'https://cyclonedx.org/bom', '{"a":1}'],
    ['vuln', 'https://cosign.sigstore.dev/attestation/vuln/v1', '{"a":1}'],
    ['openvex', 'https://openvex.dev/ns', '{"a":1}'],
    ['https://x.example/y', 'https://x.example/y', '{"a":1}'],
  ]
  for (const [type, uri, predicate] of uris)
    t.equal(
      text(attestationStatement(subject, type, predicate, now)),
      `{"_type":"https://in-toto.io/Statement/v0.1",${subjectJson},"predicateType":"${uri}","predicate":${predicate}}`,
      type,
    )
  t.match(text(attestationStatement(subject, 'spdx', 'SPDXVersion: x', now)), /"predicate":"SPDXVersion: x"/)
})

t.test('what is not of its type is refused in words that name the type', async (t) => {
  const of = (type: string, predicate: string) => () => attestationStatement(subject, type, predicate, now)
  const refused = (message: RegExp) => ({ name: 'SigningError', code: 'bad_statement', message })
  t.throws(of('nix', '{}'), refused(/^invalid predicate type: "nix"$/))
  t.throws(of('https://x.example/y', 'hello'), refused(/^invalid JSON payload for predicate type "https:/))
  t.throws(of('spdxjson', '[]'), refused(/a predicate is an object$/))
  t.throws(of('spdxjson', '{"a":1,"a":2}'), refused(/the name "a" occurs twice$/))
  t.throws(of('link', '{}'), refused(/^link statement: required field _type missing$/))
  t.equal(predicateTypeOfStatement('{"predicateType":"https://x"}'), 'https://x')
  t.throws(() => predicateTypeOfStatement('{}'), refused(/names no predicateType$/))
  t.throws(() => predicateTypeUri('constructor'), refused(/^invalid predicate type/))
})

t.test('an image is signed by its digest alone, with annotations in the order of their names', async (t) => {
  const start = '{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"ab"}'
  const end = '}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}'
  t.equal(text(imageStatement({ sha256: 'ab' })), start + end)
  t.equal(
    text(imageStatement({ sha256: 'ab' }, { b: '<&>', a: '1' })),
    `${start},"annotations":{"a":"1","b":"\\u003c\\u0026\\u003e"}${end}`,
  )
})

t.test('a legacy payload is the one of SIGNATURE_SPEC.md', async (t) => {
  const image = { reference: 'registry.example/app', digest: `sha256:${hex}` }
  const critical = `{"critical":{"identity":{"docker-reference":"registry.example/app"},"image":{"docker-manifest-digest":"sha256:${hex}"},"type":"cosign container image signature"},`
  t.equal(text(simpleSigningPayload(image)), `${critical}"optional":null}`)
  t.equal(
    text(simpleSigningPayload({ ...image, annotations: { ü: '\u2028', Z: '1', a: '2' } })),
    `${critical}"optional":{"Z":"1","a":"2","ü":"\\u2028"}}`,
  )
})
