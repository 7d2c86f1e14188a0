/** Requests in DER (RFC 3161 section 2.4.1): each field good, bad, left out, doubled and in another place, and a plain one with each byte changed. */
import { der, derOid, derTag } from '@sigstack/crypto'
import { type Case, digestOf, stamped } from './case.ts'
import { acceptedPolicy, defaultPolicy } from './servers.ts'

type Parts = {
  readonly version: Uint8Array
  readonly imprint: Uint8Array
  readonly policy: Uint8Array
  readonly nonce: Uint8Array
  readonly certReq: Uint8Array
  readonly extensions: Uint8Array
  readonly behind: Uint8Array
}

const nothing = new Uint8Array()
const sha256Oid = '2.16.840.1.101.3.4.2.1'
const integer = (...content: readonly number[]) => der(derTag.integer, Uint8Array.from(content))
const nullParameters = der(derTag.null)

function imprintOf(oid: string, digest: Uint8Array, parameters: Uint8Array = nullParameters): Uint8Array {
  return der(derTag.sequence, der(derTag.sequence, derOid(oid), parameters), der(derTag.octetString, digest))
}

const plain: Parts = {
  version: integer(1),
  imprint: imprintOf(sha256Oid, digestOf('sha256')),
  policy: nothing,
  nonce: nothing,
  certReq: nothing,
  extensions: nothing,
  behind: nothing,
}

function request(parts: Partial<Parts>): Uint8Array {
  const { version, imprint, policy, nonce, certReq, extensions, behind } = { ...plain, ...parts }
  return der(derTag.sequence, version, imprint, policy, nonce, certReq, extensions, behind)
}

export function derCases(): readonly Case[] {
  return [...imprintCases(), ...nonceCases(), ...optionCases(), ...formCases(), ...changedCases()]
}

function sent(name: string, body: Uint8Array | Partial<Parts>): Case {
  const bytes = body instanceof Uint8Array ? body : request(body)
  return { name: `DER ${name}`, request: stamped(bytes, 'application/timestamp-query') }
}

function imprintCases(): readonly Case[] {
  const digests = {
    'SHA-1': ['1.3.14.3.2.26', digestOf('sha1')],
    'SHA-256': [sha256Oid, digestOf('sha256')],
    'SHA-384': ['2.16.840.1.101.3.4.2.2', digestOf('sha384')],
    'SHA-512': ['2.16.840.1.101.3.4.2.3', digestOf('sha512')],
    'SHA-224': ['2.16.840.1.101.3.4.2.4', digestOf('sha256').subarray(0, 28)],
    'SHA-512/256': ['2.16.840.1.101.3.4.2.6', digestOf('sha256')],
    'SHA3-256': ['2.16.840.1.101.3.4.2.8', digestOf('sha256')],
    MD5: ['1.2.840.113549.2.5', digestOf('sha1').subarray(0, 16)],
    'no known hash': ['1.2.3.4', digestOf('sha256')],
  } as const
  return [
    ...Object.entries(digests).flatMap(([name, [oid, digest]]) => [
      sent(`imprint ${name}`, { imprint: imprintOf(oid, digest) }),
      sent(`imprint ${name} without parameters`, { imprint: imprintOf(oid, digest, nothing) }),
      sent(`imprint ${name} with other parameters`, { imprint: imprintOf(oid, digest, integer(5)) }),
      ...[0, 1, digest.length - 1, digest.length + 1, 64, 4096]
        .filter((length) => length !== digest.length)
        .map((length) =>
          sent(`imprint ${name} of ${length} bytes`, { imprint: imprintOf(oid, Buffer.alloc(length, 7)) }),
        ),
    ]),
    sent('imprint with a third member', {
      imprint: der(
        derTag.sequence,
        der(derTag.sequence, derOid(sha256Oid), nullParameters),
        der(derTag.octetString, digestOf('sha256')),
        integer(1),
      ),
    }),
    sent('imprint as OID alone', {
      imprint: der(derTag.sequence, derOid(sha256Oid), der(derTag.octetString, digestOf('sha256'))),
    }),
    sent('imprint with a bit string', {
      imprint: der(
        derTag.sequence,
        der(derTag.sequence, derOid(sha256Oid), nullParameters),
        der(derTag.bitString, Uint8Array.of(0), digestOf('sha256')),
      ),
    }),
    sent('imprint left out', { imprint: nothing }),
  ]
}

const nonceLengths = [1, 2, 4, 7, 8, 9, 16, 20, 21, 32, 64, 127, 128, 255, 256, 1000, 4096, 4097, 10_000]

function nonceCases(): readonly Case[] {
  const small = { '0': [0], '1': [1], '127': [127], '128': [0, 128], '-1': [255], '-128': [128] }
  const padded = { '0 in two bytes': [0, 0], '1 in two bytes': [0, 1], '-1 in two bytes': [255, 255] }
  const ofLength = (length: number, first: number) => {
    const content = Buffer.alloc(length, 0x5a)
    content[0] = first
    return { nonce: der(derTag.integer, content) }
  }
  return [
    ...Object.entries({ ...small, ...padded, 'no bytes': [] }).map(([name, content]) =>
      sent(`nonce ${name}`, { nonce: integer(...content) }),
    ),
    ...nonceLengths.flatMap((length) => [
      sent(`nonce of ${length} bytes`, ofLength(length, 0x41)),
      sent(`nonce of ${length} bytes below zero`, ofLength(length, 0x81)),
    ]),
    sent('nonce as text', { nonce: der(derTag.utf8String, Buffer.from('1')) }),
    sent('nonce as ENUMERATED', { nonce: der(0x0a, Uint8Array.of(1)) }),
  ]
}

function optionCases(): readonly Case[] {
  const extension = (oid: string, critical: boolean) =>
    der(
      derTag.sequence,
      derOid(oid),
      critical ? der(derTag.boolean, Uint8Array.of(0xff)) : nothing,
      der(derTag.octetString, nullParameters),
    )
  const policies = {
    'default one': defaultPolicy,
    'accepted one': acceptedPolicy,
    'unknown one': '1.2.3.4',
    'one that begins as the default one': `${defaultPolicy}.1`,
    'arc of 2^31': '1.2.2147483648',
    'arc of 2^53': '1.2.9007199254740993',
    'arc of 2^70': '1.2.1180591620717411303424',
    '200 arcs': `1.2${'.3'.repeat(198)}`,
  }
  return [
    ...Object.entries(policies).map(([name, oid]) => sent(`policy ${name}`, { policy: derOid(oid) })),
    sent('policy without bytes', { policy: der(derTag.oid) }),
    sent('policy with an arc that does not end', { policy: der(derTag.oid, Uint8Array.of(0x2a, 0x83)) }),
    sent('policy with a padded arc', { policy: der(derTag.oid, Uint8Array.of(0x2a, 0x80, 0x03)) }),
    ...[0x00, 0x01, 0x7f, 0xff].map((byte) =>
      sent(`certReq ${byte}`, { certReq: der(derTag.boolean, Uint8Array.of(byte)) }),
    ),
    sent('certReq without bytes', { certReq: der(derTag.boolean) }),
    sent('certReq of two bytes', { certReq: der(derTag.boolean, Uint8Array.of(0xff, 0xff)) }),
    sent('extensions without any', { extensions: der(0xa0) }),
    sent('extensions in a sequence without any', { extensions: der(0xa0, der(derTag.sequence)) }),
    sent('extensions with one', { extensions: der(0xa0, extension('1.2.3', false)) }),
    sent('extensions with one that is critical', { extensions: der(0xa0, extension('1.2.3', true)) }),
    sent('extensions with two', {
      extensions: der(0xa0, extension('1.2.3', false), extension('1.2.4', false)),
    }),
    sent('extensions that are none', { extensions: der(0xa0, integer(5)) }),
    sent('extensions not constructed', { extensions: der(0x80, Uint8Array.of(1)) }),
    sent('extensions under another tag', { extensions: der(0xa1, extension('1.2.3', false)) }),
    sent('everything', {
      policy: derOid(acceptedPolicy),
      nonce: integer(1, 2, 3),
      certReq: der(derTag.boolean, Uint8Array.of(0xff)),
    }),
  ]
}

function formCases(): readonly Case[] {
  const good = request({})
  const full = { policy: derOid(defaultPolicy), nonce: integer(5) }
  const content = Buffer.concat([plain.version, plain.imprint])
  return [
    sent('plain', good),
    ...[
      ['0', [0]],
      ['2', [2]],
      ['-1', [255]],
      ['of nine bytes', [1, 0, 0, 0, 0, 0, 0, 0, 1]],
    ].map(([name, bytes]) => sent(`version ${String(name)}`, { version: integer(...(bytes as number[])) })),
    sent('version left out', { version: nothing }),
    sent('version twice', { version: Buffer.concat([integer(1), integer(1)]) }),
    sent('nonce before policy', { policy: full.nonce, nonce: full.policy }),
    sent('nonce twice', { nonce: Buffer.concat([full.nonce, full.nonce]) }),
    sent('policy twice', { policy: Buffer.concat([full.policy, full.policy]) }),
    sent('a further member', { behind: der(derTag.utf8String, Buffer.from('x')) }),
    sent('a byte behind it', Buffer.concat([good, Uint8Array.of(0)])),
    sent('a request behind it', Buffer.concat([good, good])),
    sent('empty', nothing),
    sent('an empty sequence', der(derTag.sequence)),
    sent('a set', der(derTag.set, content)),
    sent('an empty set', der(derTag.set)),
    sent('of indefinite length', Buffer.concat([Uint8Array.of(0x30, 0x80), content, Uint8Array.of(0, 0)])),
    sent('with a length in one byte too many', Buffer.concat([Uint8Array.of(0x30, 0x81), good.subarray(1)])),
    sent('a length of 2^31', Uint8Array.of(0x30, 0x84, 0x80, 0, 0, 0)),
    sent('JSON', Buffer.from('{}')),
    sent('PEM', Buffer.from(`-----BEGIN X-----\n${Buffer.from(good).toString('base64')}\n-----END X-----\n`)),
    sent('a response', der(derTag.sequence, der(derTag.sequence, integer(0)))),
    sent(
      'nested 100 deep',
      Array.from({ length: 100 }).reduce<Uint8Array>((inner) => der(derTag.sequence, inner), nothing),
    ),
  ]
}

/** Everything that one bit can make of a request, and every length at which it may break off. */
function changedCases(): readonly Case[] {
  const good = request({ nonce: integer(5), certReq: der(derTag.boolean, Uint8Array.of(0xff)) })
  return Array.from(good).flatMap((byte, at) => [
    sent(`cut to ${at} bytes`, good.subarray(0, at)),
    ...[0x01, 0x02, 0x20, 0x80].map((bit) => {
      const changed = Uint8Array.from(good)
      changed[at] = byte ^ bit
      return sent(`byte ${at} with bit ${bit} changed`, changed)
    }),
  ])
}
