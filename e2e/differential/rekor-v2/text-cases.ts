/** The same request in other texts of protobuf JSON, good and bad. */
import { type Case, posted } from './case.ts'
import { requestFor } from './requests.ts'

const member = 'hashedRekordRequestV002'

export function textCases(): readonly Case[] {
  const text = (artifact: string) => JSON.stringify(requestFor(artifact))
  const changed = (name: string, change: (text: string) => string) =>
    posted(`JSON ${name}`, change(text(`JSON ${name}`)))
  const snake = (json: string) =>
    ['hashedRekordRequestV002', 'publicKey', 'rawBytes', 'keyDetails'].reduce(
      (written, name) =>
        written.replaceAll(
          `"${name}"`,
          `"${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}"`,
        ),
      json,
    )
  return [
    ...['', ' ', '{}', 'null', '[]', '"x"', '5', '{', '{]', '{"x":1}', '\uFEFF{}'].map((body) =>
      posted(`body ${JSON.stringify(body)}`, body),
    ),
    changed('in snake case', snake),
    changed('in capitals', (json) => json.replace(member, member.toUpperCase())),
    changed('with spaces and line feeds', (json) => JSON.stringify(JSON.parse(json), null, 2)),
    changed('with something behind it', (json) => `${json} x`),
    changed('with a second one behind it', (json) => `${json}${json}`),
    changed('with an unknown member', (json) => json.replace('{', '{"more":1,')),
    changed('with a member twice', (json) => json.replace('{"digest"', '{"digest":"AAAA","digest"')),
    changed('with a member in both spellings', (json) =>
      json.replace('"keyDetails"', '"key_details":5,"keyDetails"'),
    ),
    changed('with two of a oneof', (json) => json.replace('{', '{"dsseRequestV002":{},')),
    changed('with null for the other of a oneof', (json) => json.replace('{', '{"dsseRequestV002":null,')),
    changed('with a verifier of both kinds', (json) =>
      json.replace('"publicKey"', '"x509Certificate":{"rawBytes":"AAAA"},"publicKey"'),
    ),
    changed('with base64 of the URL alphabet without padding', (json) =>
      json.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
    ),
    changed('with base64 of both alphabets', (json) => json.replace('+', '-')),
    changed('with escapes in a name', (json) => json.replace('"digest"', '"\\u0064igest"')),
    changed('with escapes in base64', (json) => json.replaceAll('=', '\\u003d')),
    ...[5, 8, 0, 99, -1, 5.5, '5', 'pkix_ecdsa_p256_sha_256', '', 2147483648, '5e0'].map((details) =>
      changed(`with keyDetails ${JSON.stringify(details)}`, (json) =>
        json.replace('"PKIX_ECDSA_P256_SHA_256"', JSON.stringify(details)),
      ),
    ),
    changed('with keyDetails 5.0', (json) => json.replace('"PKIX_ECDSA_P256_SHA_256"', '5.0')),
    changed('with keyDetails 5e0', (json) => json.replace('"PKIX_ECDSA_P256_SHA_256"', '5e0')),
    posted('JSON nested deeply', `${'{"dsseRequestV002":'.repeat(2_000)}{}${'}'.repeat(2_000)}`),
    posted('JSON of an empty oneof', { hashedRekordRequestV002: {} }),
    posted('JSON of an envelope', { dsseRequestV002: { envelope: {}, verifiers: [] } }),
  ]
}
