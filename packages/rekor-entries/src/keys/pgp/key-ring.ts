/** OpenPGP keys as they come with entries: armoured blocks, or a binary ring. */
import { asBuffer, concatBytes, reasonOf, sha256Hex } from '@sigstack/crypto'
import type { PublicKey, readKeys } from 'openpgp'
import { EntryError } from '../../errors.ts'
import { spend } from '../../work.ts'
import { encodeArmor, findArmor } from './armor.ts'
import { openpgp } from './openpgp.ts'
import { assertComputable, packetType, readPackets } from './packets.ts'
import { pgpSubjectsOf } from './subjects.ts'

export type PgpKeyRing = {
  /** One `PGP PUBLIC KEY BLOCK` with all keys written anew: the form in which the log holds them. */
  readonly armored: string
  /** Hex SHA-256 of `armored`. */
  readonly hash: string
  /** E-mail addresses of the user IDs, whether signed by the key or not. */
  readonly subjects: readonly string[]
  /** Of the primary keys, lower-case hex. */
  readonly fingerprints: readonly string[]
  readonly keys: readonly PublicKey[]
}

/** base64 of {@link ringLimitBytes}. */
export const pgpKeyContentLimit = 1_400_000
const ringLimitBytes = 1_000_000
const blockLimit = 100
const packetLimit = 5_000
const keyLimit = 100
const subkeyLimit = 500
const attributesLimitBytes = 100_000
/** Reading one of a ring and writing it again, in checks of P-256. */
const packetCost = 1 / 100

/**
 * Refuses with `bad_public_key` or `bad_format` what is no key ring, holds private keys only, or is larger than what keys are. Says nothing
 * about self-signatures: they count when a signature is verified.
 */
export async function parsePgpKeyRing(content: Uint8Array): Promise<PgpKeyRing> {
  if (content.length > ringLimitBytes)
    throw new EntryError('bad_public_key', `unable to read PGP public key: more than ${ringLimitBytes} bytes`)
  const isArmored = asBuffer(content).subarray(0, 14).toString('latin1') === '-----BEGIN PGP'
  const prefix = isArmored ? 'error reading PGP public key' : 'error reading binary PGP public key'
  const binary = isArmored ? unarmor(content) : content
  assertBounded(binary, prefix)
  const keys = await readRing(binary, prefix)
  if (keys.every((key) => key.isPrivate()))
    throw new EntryError('bad_public_key', 'no PGP public keys could be read')
  const publicKeys = keys.map((key) => (key.isPrivate() ? key.toPublic() : key))
  const armored = encodeArmor('PGP PUBLIC KEY BLOCK', concatBytes(...publicKeys.map((key) => key.write())))
  return {
    armored,
    hash: sha256Hex(armored),
    subjects: pgpSubjectsOf(armored),
    fingerprints: publicKeys.map((key) => key.getFingerprint()),
    keys: publicKeys,
  }
}

/** All blocks one after another. Each ends with its END line; what stands after the last one does not count. */
function unarmor(content: Uint8Array): Uint8Array {
  const text = asBuffer(content).toString('latin1')
  const blocks: Uint8Array[] = []
  for (let at = 0; ; ) {
    const endAt = text.indexOf('\n-----END PGP', at)
    if (endAt === -1) break
    if (blocks.length === blockLimit)
      throw new EntryError('bad_public_key', `error reading PGP public key: more than ${blockLimit} blocks`)
    const lineBreak = text.indexOf('\n', endAt + 1)
    const next = lineBreak === -1 ? text.length : lineBreak + 1
    blocks.push(unarmorBlock(text.slice(at, next)))
    at = next
  }
  if (blocks.length === 0) throw new EntryError('bad_public_key', 'no PGP public keys could be read')
  return concatBytes(...blocks)
}

function unarmorBlock(text: string): Uint8Array {
  const block = findArmor(text)
  if (block === undefined) throw new EntryError('bad_public_key', 'invalid PGP public key provided: EOF')
  if (block.type !== 'PGP PUBLIC KEY BLOCK' && block.type !== 'PGP PRIVATE KEY BLOCK')
    throw new EntryError('bad_public_key', 'invalid PGP type detected')
  return block.bytes
}

function assertBounded(binary: Uint8Array, prefix: string): void {
  const packets = readPackets(binary, packetLimit, 'bad_public_key')
  spend(packets.length * packetCost)
  const primary: readonly number[] = [packetType.publicKey, packetType.secretKey]
  const subkey: readonly number[] = [packetType.publicSubkey, packetType.secretSubkey]
  const count = (types: readonly number[]) => packets.filter(({ type }) => types.includes(type)).length
  if (count(primary) > keyLimit || count(subkey) > subkeyLimit)
    throw new EntryError('bad_public_key', `${prefix}: too many keys`)
  const attributes = packets.filter(({ type }) => type === packetType.userAttribute)
  if (attributes.reduce((sum, { body }) => sum + body.length, 0) > attributesLimitBytes)
    throw new EntryError('bad_public_key', `${prefix}: more than ${attributesLimitBytes} bytes of pictures`)
  for (const packet of packets) assertComputable(packet)
}

/** The library throws plain errors. */
async function readRing(binaryKeys: Uint8Array, prefix: string): ReturnType<typeof readKeys> {
  try {
    return await openpgp().readKeys({ binaryKeys })
  } catch (cause) {
    const reason = reasonOf(cause).slice(0, 200)
    throw new EntryError('bad_public_key', `${prefix}: openpgp: ${reason}`, { cause })
  }
}
