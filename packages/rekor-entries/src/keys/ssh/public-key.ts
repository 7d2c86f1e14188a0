/** SSH public keys: their wire form (RFC 4253 section 6.6, RFC 5656, RFC 8709, PROTOCOL.u2f of OpenSSH) and what they stand for. */
import {
  asBuffer,
  CryptoError,
  concatBytes,
  der,
  derOid,
  derTag,
  derUnsignedInteger,
  type EcCurve,
  type PublicKey,
  parsePublicKey,
  quoted,
  readDerChildren,
  readOnlyDer,
  sha256,
  unsignedIntegerOf,
} from '@sigstack/crypto'
import { EntryError } from '../../errors.ts'
import { type WireReader, wireMpint, wireReader, wireString } from './wire.ts'

export type SshKey = {
  /** `ssh-ed25519` and the like. */
  readonly type: string
  /** The wire form. */
  readonly blob: Uint8Array
  readonly publicKey: PublicKey
  /** Of a key in a security token: what its signatures are bound to. */
  readonly application: Uint8Array | undefined
}

const curveNames: Readonly<Record<EcCurve, string>> = {
  'P-256': 'nistp256',
  'P-384': 'nistp384',
  'P-521': 'nistp521',
}
const curveOids: Readonly<Record<string, string>> = {
  nistp256: '1.2.840.10045.3.1.7',
  nistp384: '1.3.132.0.34',
  nistp521: '1.3.132.0.35',
}

/** Refuses certificates, DSA and what is not known with `bad_public_key`. */
export function parseSshKey(blob: Uint8Array): SshKey {
  const reader = wireReader(blob, 'bad_public_key')
  const type = reader.text()
  const key = (spki: Uint8Array, isToken = false): SshKey => {
    const application = isToken ? reader.string() : undefined
    reader.end()
    return { type, blob, publicKey: parseSpki(spki), application }
  }
  switch (type) {
    case 'ssh-rsa':
      return key(readRsa(reader))
    case 'ssh-ed25519':
      return key(ed25519Spki(reader.string()))
    case 'sk-ssh-ed25519@openssh.com':
      return key(ed25519Spki(reader.string()), true)
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return key(readEcdsa(reader, type.slice('ecdsa-sha2-'.length)))
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return key(readEcdsa(reader, 'nistp256'), true)
    default:
      throw new EntryError('bad_public_key', `ssh: unknown key algorithm: ${quoted(type, 64)}`)
  }
}

/** `SHA256:` and unpadded base64, as OpenSSH shows it and as DSSE libraries use it for key IDs. */
export function sshFingerprint(key: PublicKey): string {
  const hash = asBuffer(sha256(sshBlob(key))).toString('base64')
  return `SHA256:${hash.replace('=', '')}`
}

/** The wire form of any public key that is known here. */
function sshBlob(key: PublicKey): Uint8Array {
  switch (key.type) {
    case 'ed25519':
      return concatBytes(wireString('ssh-ed25519'), wireString(key.raw))
    case 'ecdsa': {
      const curve = curveNames[key.curve]
      return concatBytes(wireString(`ecdsa-sha2-${curve}`), wireString(curve), wireString(key.point))
    }
    case 'rsa': {
      const { modulus, exponent } = rsaIntegers(key)
      return concatBytes(wireString('ssh-rsa'), wireMpint(exponent), wireMpint(modulus))
    }
  }
}

function rsaIntegers({ spki }: PublicKey): { modulus: Uint8Array; exponent: Uint8Array } {
  const [, bits] = readDerChildren(readOnlyDer(spki, derTag.sequence).content)
  const key = readOnlyDer(bits?.content.subarray(1) ?? spki, derTag.sequence)
  const [modulus, exponent] = readDerChildren(key.content)
  if (modulus === undefined || exponent === undefined) throw new Error('an RSA key has two integers')
  return { modulus: unsignedIntegerOf(modulus.content), exponent: unsignedIntegerOf(exponent.content) }
}

function readRsa(reader: WireReader): Uint8Array {
  const exponent = reader.mpint()
  const modulus = reader.mpint()
  const key = der(derTag.sequence, derUnsignedInteger(modulus), derUnsignedInteger(exponent))
  return spkiOf([derOid('1.2.840.113549.1.1.1'), der(derTag.null)], key)
}

function readEcdsa(reader: WireReader, curve: string): Uint8Array {
  if (reader.text() !== curve) throw new EntryError('bad_public_key', 'ssh: unsupported curve')
  return spkiOf([derOid('1.2.840.10045.2.1'), derOid(curveOids[curve] ?? '')], reader.string())
}

function ed25519Spki(raw: Uint8Array): Uint8Array {
  return spkiOf([derOid('1.3.101.112')], raw)
}

function spkiOf(algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array {
  return der(
    derTag.sequence,
    der(derTag.sequence, ...algorithm),
    der(derTag.bitString, concatBytes(Uint8Array.of(0), key)),
  )
}

function parseSpki(spki: Uint8Array): PublicKey {
  try {
    return parsePublicKey(spki)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new EntryError('bad_public_key', `ssh: ${cause.message}`, { cause })
  }
}
