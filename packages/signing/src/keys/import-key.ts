/** Private keys in the PEM forms of other tools, judged as cosign judges them before it imports one. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { type PemBlock, parsePemBlock } from '@sigstack/crypto'
import { SigningError } from '../errors.ts'

const types = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY']
const curves: readonly unknown[] = ['prime256v1', 'secp384r1', 'secp521r1']
const moduli: readonly unknown[] = [2048, 3072, 4096]

/** PKCS #8, PKCS #1 or SEC 1, without a password. Throws `bad_key` in cosign's words. */
export function importPrivateKey(pem: string): KeyObject {
  const { type } = blockOf(pem)
  if (!types.includes(type)) throw refused('unsupported private key')
  let key: KeyObject
  try {
    key = createPrivateKey({ key: pem, format: 'pem' })
  } catch {
    // The cause may hold bytes of the key.
    throw refused(`error parsing ${type === 'RSA PRIVATE KEY' ? 'rsa' : 'ecdsa'} private key`)
  }
  demandUsable(key)
  return key
}

function demandUsable({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): void {
  if (type === 'ed25519') return
  if (type === 'ec') {
    const curve = details?.namedCurve
    if (curve === 'secp224r1') throw refused('error validating ecdsa key: ECDSA curve P-224 not allowed')
    if (!curves.includes(curve)) throw refused('error parsing ecdsa private key')
    return
  }
  if (type !== 'rsa') throw refused('unsupported private key')
  if (!moduli.includes(details?.modulusLength))
    throw refused(`error validating rsa key: key size not supported: ${details?.modulusLength}`)
}

function blockOf(pem: string): PemBlock {
  try {
    return parsePemBlock(pem).block
  } catch {
    throw refused('invalid pem block')
  }
}

function refused(message: string): SigningError {
  return new SigningError('bad_key', message)
}
