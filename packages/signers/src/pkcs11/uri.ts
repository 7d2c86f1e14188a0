/** PKCS #11 URIs (RFC 7512): which module, which token, which key, and where its PIN is. */
import { SignerError } from '../errors.ts'

export type TokenSelector = {
  readonly token?: string
  readonly manufacturer?: string
  readonly model?: string
  readonly serial?: string
  readonly slotId?: number
}

export type KeySelector = {
  /** CKA_LABEL. */
  readonly object?: string
  /** CKA_ID. */
  readonly id?: Uint8Array
}

export type Pkcs11Location = {
  readonly modulePath: string
  readonly token: TokenSelector
  readonly key: KeySelector
  /** A path. */
  readonly pinSource?: string
}

const example =
  'pkcs11:token=sigstack;object=ca?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/sigstack/pin'

/** Strict: an attribute that says more than we would look at could name another key than the one we take. */
export function parsePkcs11Uri(uri: string): Pkcs11Location {
  const [, path = '', query = ''] = /^pkcs11:([^?#]*)(?:\?([^#]*))?$/i.exec(uri) ?? []
  const attributes = pairsOf(uri, path, ';')
  const parameters = pairsOf(uri, query, '&')
  // Before anything that shows the URI.
  if (parameters.has('pin-value'))
    throw bad(
      'a PKCS #11 URI',
      'holds a PIN (pin-value), and URIs are shown and logged; put it into a file that pin-source names',
    )
  const take = (name: string): string | undefined => {
    const value = attributes.get(name)
    attributes.delete(name)
    return value?.toString('utf8')
  }
  const type = take('type')
  if (type !== undefined && type !== 'private') throw bad(uri, `is of type ${type}; a private key is needed`)
  const slot = take('slot-id')
  if (slot !== undefined && !/^\d{1,10}$/.test(slot)) throw bad(uri, 'has a slot-id that is no number')
  const id = attributes.get('id')
  attributes.delete('id')
  const object = take('object')
  const names = ['token', 'manufacturer', 'model', 'serial'] as const
  const token: TokenSelector = {
    ...Object.fromEntries(
      names.map((name) => [name, take(name)] as const).filter(([, value]) => value !== undefined),
    ),
    ...(slot !== undefined && { slotId: Number(slot) }),
  }
  const [unknown] = attributes.keys()
  if (unknown !== undefined) throw bad(uri, `has the attribute ${unknown}, which is not known here`)
  if (object === undefined && id === undefined)
    throw bad(uri, `names no key; add object= or id=, as in ${example}`)

  const modulePath = parameters.get('module-path')?.toString('utf8')
  if (modulePath === undefined || !modulePath.startsWith('/'))
    throw bad(uri, `needs module-path with the absolute path of the token's library, as in ${example}`)
  const pinSource = parameters.get('pin-source')?.toString('utf8')
  const unknownParameter = [...parameters.keys()].find(
    (name) => name !== 'module-path' && name !== 'pin-source',
  )
  if (unknownParameter !== undefined)
    throw bad(uri, `has the parameter ${unknownParameter}, which is not known here`)
  return {
    modulePath,
    token,
    key: { ...(object !== undefined && { object }), ...(id !== undefined && { id }) },
    ...(pinSource !== undefined && { pinSource: pathOf(uri, pinSource) }),
  }
}

function pathOf(uri: string, source: string): string {
  const path = source.replace(/^file:(\/\/(?=\/))?/, '')
  if (!path.startsWith('/'))
    throw bad(uri, 'has a pin-source that is no absolute path; it must be like file:/etc/sigstack/pin')
  return path
}

function pairsOf(uri: string, text: string, separator: string): Map<string, Buffer> {
  const pairs = new Map<string, Buffer>()
  for (const part of text === '' ? [] : text.split(separator)) {
    const at = part.indexOf('=')
    const name = part.slice(0, Math.max(at, 0))
    if (name === '' || pairs.has(name))
      throw bad('a PKCS #11 URI', `has ${name || 'something'} twice or without a value`)
    pairs.set(name, percentDecoded(uri, name, part.slice(at + 1)))
  }
  return pairs
}

/** To bytes: an ID need not be text. */
function percentDecoded(uri: string, name: string, text: string): Buffer {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw bad('a PKCS #11 URI', `has a % in ${name} that encodes nothing`)
  const parts = text.split(/(%[0-9a-f]{2})/i)
  return Buffer.concat(
    parts.map((part) => (part.startsWith('%') ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part))),
  )
}

function bad(subject: string, complaint: string): SignerError {
  return new SignerError('bad_uri', `${subject} ${complaint}`)
}
