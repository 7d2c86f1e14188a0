/** Refusals on which both logs agree in status and code, and not in the words: people read them, no client does. */
import type { KnownDifference } from '../known-difference.ts'

const message = /^body\.message$/
const entryRefused = /^(error processing entry: )?/.source

const words = (text: RegExp): RegExp => new RegExp(entryRefused + text.source, 's')

export const knownWordDifferences: readonly KnownDifference[] = [
  {
    name: 'words about a kind',
    cases: /^POST .*: kind /,
    fact: message,
    ours: /^invalid kind value: "/,
    upstream: /^invalid kind value: "/,
  },
  {
    name: 'words about a query',
    cases: /^(retrieve|search|GET) /,
    fact: message,
    ours: /^(parsing (entry|query) body from "" failed, because |public key provided could not be parsed|publicKey\.format |\w+ implementation |entry not insertable)/,
    upstream:
      /(json: |EOF|illegal base64|publicKey\.publicKey\.format|unable to locate entry|in body is required)/,
  },
  {
    name: 'words about a member',
    cases: /^POST /,
    fact: message,
    ours: words(
      /(\S+ in body (is required|should|must)|'content' must be specified|either proposedContent|entry not insertable)/,
    ),
  },
  {
    name: 'words about base64',
    cases: /^POST /,
    fact: message,
    ours: words(/failed parsing base64 data for /),
    upstream: /illegal base64 data|base64 data for/,
  },
  {
    name: 'words about TUF metadata',
    cases: /^POST tuf /,
    fact: message,
    ours: words(/(tuf\b|not hexadecimal)/),
    upstream: words(
      /(tuf\b|json: |invalid key|expired at|encoding\/hex|unexpected end of JSON|Time\.UnmarshalJSON|parsing time)/,
    ),
  },
  {
    name: 'words about OpenPGP',
    cases: /^POST (rekord|proposals\/(rekord|rpm|helm)|rpm|apk)/,
    fact: message,
    ours: /OpenPGP|openpgp|PGP|provenance|armor|digest mismatch/i,
    upstream: /openpgp|PGP|provenance|armor|EOF/i,
  },
  {
    name: 'words of decoders',
    cases: /^POST /,
    fact: message,
    ours: words(/\S/),
    upstream:
      /zip: |gzip|cbor: |asn1: |x509: |ssh: |crypto\/rsa: |encoding\/hex: |invalid character|unexpected (end|EOF)|not on curve|ECDSA verification failed|unable to base64 decode|encoded signature|RPM header/,
  },
]
