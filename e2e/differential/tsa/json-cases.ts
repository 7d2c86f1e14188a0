/** The same request in the JSON of Sigstore's timestamp authority: each member good, bad, left out, of another type and in other letters. */
import { type Case, digestOf, stamped } from './case.ts'
import { acceptedPolicy, defaultPolicy } from './servers.ts'

const digest = digestOf('sha256').toString('base64')
const plain = { artifactHash: digest, hashAlgorithm: 'sha256' }

export function jsonCases(): readonly Case[] {
  return [...memberCases(), ...nonceCases(), ...policyCases(), ...textCases()]
}

function sent(name: string, body: unknown): Case {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { name: `JSON ${name}`, request: stamped(text, 'application/json') }
}

/** What stands for `member` in the text, as it is written. */
function raw(name: string, member: string, text: string): Case {
  const rest = Object.entries({ ...plain, [member]: undefined })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `"${key}":${JSON.stringify(value)}`)
  return sent(`${member} ${name}`, `{${[...rest, `"${member}":${text}`].join(',')}}`)
}

function memberCases(): readonly Case[] {
  const members = ['artifactHash', 'hashAlgorithm', 'nonce', 'certificates', 'tsaPolicyOID']
  const others = ['null', 'true', '"x"', '""', '5', '[]', '{}', '[1]']
  const digests = {
    sha1: digestOf('sha1'),
    sha256: digestOf('sha256'),
    sha384: digestOf('sha384'),
    sha512: digestOf('sha512'),
  }
  return [
    ...members.flatMap((member) => others.map((text) => raw(text, member, text))),
    ...members.map((member) => sent(`${member} left out`, { ...plain, [member]: undefined })),
    ...Object.entries(digests).flatMap(([hashAlgorithm, bytes]) => [
      sent(`${hashAlgorithm}`, { hashAlgorithm, artifactHash: bytes.toString('base64') }),
      sent(`${hashAlgorithm} with a digest of another`, {
        hashAlgorithm,
        artifactHash: Buffer.alloc(33, 7).toString('base64'),
      }),
    ]),
    ...['SHA256', 'Sha256', 'SHA-256', 'sha-256', ' sha256', 'md5', 'sha3-256', 'ſha256', 'SHA1'].map(
      (hashAlgorithm) => sent(`hashAlgorithm ${hashAlgorithm}`, { ...plain, hashAlgorithm }),
    ),
    ...Object.entries({
      'in the URL alphabet': digestOf('sha256').toString('base64url'),
      'without padding': digest.replaceAll('=', ''),
      'with a line feed': `${digest}\n`,
      'with a line feed inside': `${digest.slice(0, 8)}\n${digest.slice(8)}`,
      'with a space': `${digest} `,
      'in hex': digestOf('sha256').toString('hex'),
      'with bits behind the last byte': digest.replace(/.=$/, (end) => `${next(end[0] ?? '')}=`),
    }).map(([name, artifactHash]) => sent(`artifactHash ${name}`, { ...plain, artifactHash })),
    sent('certificates true', { ...plain, certificates: true }),
    sent('certificates false', { ...plain, certificates: false }),
    sent('unknown members', { ...plain, more: { of: ['them'] }, version: 9 }),
    sent('names in capitals', { ARTIFACTHASH: digest, HASHALGORITHM: 'sha256', NONCE: 5 }),
    sent('names in snake_case', { artifact_hash: digest, hash_algorithm: 'sha256' }),
    sent(
      'a name twice, the last one wrong',
      `{"artifactHash":"${digest}","hashAlgorithm":"sha256","hashAlgorithm":"x"}`,
    ),
    sent(
      'a name twice, the first one wrong',
      `{"artifactHash":"${digest}","hashAlgorithm":"x","hashAlgorithm":"sha256"}`,
    ),
    sent(
      'a name twice, the last one null',
      `{"artifactHash":"${digest}","hashAlgorithm":"sha256","hashAlgorithm":null}`,
    ),
  ]
}

function next(letter: string): string {
  return String.fromCharCode(letter.charCodeAt(0) + 1)
}

function nonceCases(): readonly Case[] {
  const digits = (count: number) => '9'.repeat(count)
  const nonces = ['0', '-0', '1', '-1', '128', '-129', '9007199254740993', '18446744073709551616', digits(77)]
  const bad = ['1.0', '1.5', '1e3', '1E2', '01', '+1', '0x10', '"12"', 'NaN', digits(900), digits(2000)]
  return [...nonces, ...bad].map((text) =>
    raw(text.length > 100 ? `of ${text.length} digits` : text, 'nonce', text),
  )
}

function policyCases(): readonly Case[] {
  const policies = {
    'default one': defaultPolicy,
    'accepted one': acceptedPolicy,
    'unknown one': '1.2.3.4',
    'with zeros before its digits': defaultPolicy.replace('57264', '057264'),
    'with a plus': defaultPolicy.replace('57264', '+57264'),
    'with a minus': '1.2.-3',
    'with an empty arc': '1..2',
    'with a dot behind': `${defaultPolicy}.`,
    'of one arc': '1',
    'of arcs that are none': '9.99.1',
    'arc of 2^63 - 1': '1.2.9223372036854775807',
    'arc of 2^63': '1.2.9223372036854775808',
    '129 arcs': `1${'.2'.repeat(128)}`,
    '130 arcs': `1${'.2'.repeat(129)}`,
    words: 'a policy',
  }
  return Object.entries(policies).map(([name, tsaPolicyOID]) =>
    sent(`policy ${name}`, { ...plain, tsaPolicyOID }),
  )
}

const limitBytes = 1024

function textCases(): readonly Case[] {
  const good = JSON.stringify(plain)
  const padded = (bytes: number) => good + ' '.repeat(bytes - good.length)
  return [
    sent('plain', good),
    sent('empty', ''),
    sent('broken', '{'),
    sent('null', 'null'),
    sent('a list', '[]'),
    sent('a text', '"x"'),
    sent('a number', '5'),
    sent('an empty object', '{}'),
    sent('with spaces around it', ` \n${good}\t `),
    sent('something behind it', `${good} x`),
    sent('a second object behind it', `${good}{}`),
    sent('a byte order mark', `\uFEFF${good}`),
    sent('with a comma behind', good.replace('}', ',}')),
    sent('with a comment', `/* x */${good}`),
    sent('nested 500 deep', `${'['.repeat(500)}${']'.repeat(500)}`),
    sent('of as many bytes as may be', padded(limitBytes)),
    sent('of one byte more than may be', padded(limitBytes + 1)),
    { name: 'JSON with a byte that is no UTF-8', request: stamped(badUtf8(good), 'application/json') },
  ]
}

/** In a member that nobody reads. */
function badUtf8(good: string): Buffer {
  return Buffer.concat([Buffer.from(good.replace('}', ',"more":"')), Buffer.of(0xff), Buffer.from('"}')])
}
