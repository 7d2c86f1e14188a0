/** What somebody may mean who types into the one box: each reading with what the log is asked for it. Pure. */
import { sha256Hex, utf8 } from '@sigstack/crypto'
import type { SearchQuery } from '../sources/rekor.ts'

export type Guess =
  /** One entry, by its name or by its number. */
  | { readonly go: 'entry'; readonly uuid: string }
  | { readonly go: 'index'; readonly index: bigint }
  /** Entries; each reading is looked for, and any may hold. */
  | { readonly go: 'search'; readonly readings: readonly Reading[] }
  /** Nothing can be asked, and why. */
  | { readonly go: 'nothing'; readonly why: string }

export type Reading = {
  /** Short, for addresses: `?as=`. */
  readonly as: ReadingName
  /** For people, as in `read as …`. */
  readonly words: string
  /** Of `/api/v1/search`. */
  readonly query: SearchQuery
  /** Of `/api/v1/index/retrieve`, where that knows such a thing. */
  readonly retrieve?: Readonly<Record<string, unknown>>
}

export type ReadingName =
  | 'digest'
  | 'key'
  | 'email'
  | 'uri'
  | 'issuer'
  | 'subject'
  | 'serial'
  | 'commit'
  | 'image'
  | 'publicKey'

export const longestInput = 16_384

export function guess(input: string): Guess {
  const text = input.trim()
  if (text === '') return { go: 'nothing', why: 'Nothing was asked for.' }
  if (text.length > longestInput)
    return { go: 'nothing', why: `More than ${longestInput.toLocaleString('en')} characters name nothing.` }
  if (/-----BEGIN [A-Z ]{1,40}-----|^(?:untrusted comment:|ssh-|ecdsa-sha2-)/.test(text)) return ofKey(text)
  if (/^\d{1,19}$/.test(text)) return { go: 'index', index: BigInt(text) }
  if (/^[0-9a-fA-F]{80}$/.test(text)) return { go: 'entry', uuid: text.toLowerCase() }
  if (/[\s]/.test(text)) return { go: 'search', readings: [asSubject(text)] }
  const prefixed = /^(?:[a-z0-9_-]{1,20}):[0-9a-fA-F]{16,256}$/.exec(text)
  if (prefixed !== null) return { go: 'search', readings: [asDigest(text.toLowerCase())] }
  const hex = /^[0-9a-fA-F]{2,256}$/.test(text) ? ofHex(text.toLowerCase()) : []
  if (hex.length > 0) return { go: 'search', readings: hex }
  if (/^(?:[0-9a-fA-F]{1,2}:){2,60}[0-9a-fA-F]{1,2}$/.test(text))
    return { go: 'search', readings: [asSerial(text)] }
  if (/^[a-z][a-z0-9+.-]{1,20}:\/\//i.test(text))
    return { go: 'search', readings: [asUri(text), asIssuer(text)] }
  if (text.includes('*'))
    return {
      go: 'nothing',
      why: 'The log finds names as they are, not by patterns: it keeps only hashes of them. Write the whole name.',
    }
  const image = /^[a-z0-9.-]{1,253}(?::\d{1,5})?\/[^\s@]{1,500}$/i.test(text.split('@')[0] ?? '')
  if (image) return ofImage(text)
  if (/^[^@]+@[^@]+\.[^@]+$/.test(text)) return { go: 'search', readings: [asEmail(text)] }
  return { go: 'search', readings: [asSubject(text)] }
}

function ofHex(hex: string): readonly Reading[] {
  switch (hex.length) {
    case 40:
      return [asCommit(hex), asDigest(`sha1:${hex}`), asSerial(hex)]
    case 64:
      return [
        asDigest(`sha256:${hex}`),
        { as: 'key', words: 'the hash of a key', query: { keyHash: [hex] }, retrieve: { hash: hex } },
      ]
    case 96:
      return [asDigest(`sha384:${hex}`)]
    case 128:
      return [asDigest(`sha512:${hex}`)]
    default:
      // Serial numbers have at most 20 bytes (RFC 5280 section 4.1.2.2), and words such as `face` are rarely one.
      return hex.length >= 16 && hex.length <= 40 ? [asSerial(hex)] : []
  }
}

function ofKey(text: string): Guess {
  const format = text.startsWith('ssh-') || text.startsWith('ecdsa-') ? 'ssh' : formatOf(text)
  const content = Buffer.from(text).toString('base64')
  const publicKey = { content, format }
  return {
    go: 'search',
    readings: [
      {
        as: 'publicKey',
        words: 'a public key or certificate',
        query: { publicKey: [publicKey] },
        retrieve: { publicKey },
      },
    ],
  }
}

function formatOf(text: string): string {
  if (text.includes('BEGIN PGP')) return 'pgp'
  return text.startsWith('untrusted comment:') ? 'minisign' : 'x509'
}

function ofImage(text: string): Guess {
  const [, digest] = /@(sha256:[0-9a-fA-F]{64})$/.exec(text) ?? []
  if (digest === undefined)
    return {
      go: 'nothing',
      why: 'An image is logged by its digest, and no registry is asked here: write NAME@sha256:… as the registry tells it.',
    }
  return {
    go: 'search',
    readings: [{ ...asDigest(digest.toLowerCase()), as: 'image', words: 'the digest of an image' }],
  }
}

function asDigest(digest: string): Reading {
  const algorithm = digest.split(':')[0] ?? ''
  return {
    as: 'digest',
    words: `the ${algorithm.toUpperCase().replace(/^SHA(\d)/, 'SHA-$1')} digest of an artifact`,
    query: { digest: [digest] },
    retrieve: { hash: digest },
  }
}

/** What gitsign logs is signed over the 40 characters of the commit. */
function asCommit(commit: string): Reading {
  const digest = `sha256:${sha256Hex(utf8(commit))}`
  return {
    as: 'commit',
    words: 'a commit of Git, signed online by gitsign',
    query: { digest: [digest] },
    retrieve: { hash: digest },
  }
}

function asSerial(serial: string): Reading {
  return { as: 'serial', words: 'the serial number of a certificate', query: { serial: [serial] } }
}

function asEmail(email: string): Reading {
  return { as: 'email', words: 'an e-mail address', query: { email: [email] }, retrieve: { email } }
}

function asUri(uri: string): Reading {
  return { as: 'uri', words: 'a URI that signed', query: { uri: [uri] }, retrieve: { email: uri } }
}

function asIssuer(issuer: string): Reading {
  return { as: 'issuer', words: 'an identity provider', query: { issuer: [issuer] } }
}

function asSubject(subject: string): Reading {
  return {
    as: 'subject',
    words: 'the name of a signer',
    query: { subject: [subject] },
    retrieve: { email: subject },
  }
}
