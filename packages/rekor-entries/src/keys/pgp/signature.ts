/** Detached OpenPGP signatures over data that is at hand. */
import {
  asBuffer,
  der,
  derTag,
  derUnsignedInteger,
  type KeySize,
  memberAt,
  reasonOf,
  utf8,
  verificationCost,
} from '@sigstack/crypto'
import type { PublicKey, SignaturePacket, Subkey } from 'openpgp'
import { EntryError } from '../../errors.ts'
import { noteHeld, spend, spendForHashing } from '../../work.ts'
import { encodeArmor, findArmor } from './armor.ts'
import type { PgpKeyRing } from './key-ring.ts'
import { openpgp } from './openpgp.ts'
import { type PgpPacket, packetType, readPackets } from './packets.ts'
import { type PgpSignatureV3, parsePgpSignatureV3, verifyPgpSignatureV3 } from './signature-v3.ts'
import { type PgpSigner, pgpSignerOf } from './signer.ts'

export type PgpSignature = {
  /** Armoured: as sent, or written anew from binary. */
  readonly canonical: Uint8Array
  readonly signatures: readonly (SignaturePacket | PgpSignatureV3)[]
}

/** base64 of {@link signatureLimitBytes}. */
export const pgpSignatureContentLimit = 140_000
const signatureLimitBytes = 100_000
const signatureLimit = 10
/** Each is verified before the signature is: far more than a key with many names collects in twenty years. */
const selfSignatureLimit = 200
/** The library writes all line ends of signed text anew, one by one. */
const lineLimit = 1_000_000
const unsupportedAlgorithms = /^(?:dsa|elgamal)$/
const unsupportedCurves = /^(?:brainpool|secp256k1)/

/** Refuses with `bad_signature` or `bad_format`. */
export async function parsePgpSignature(content: Uint8Array): Promise<PgpSignature> {
  if (content.length > signatureLimitBytes)
    throw new EntryError(
      'bad_signature',
      `unable to read PGP signature: more than ${signatureLimitBytes} bytes`,
    )
  const block = findArmor(asBuffer(content).toString('latin1'))
  if (block !== undefined && block.type !== 'PGP SIGNATURE')
    throw new EntryError('bad_signature', 'invalid PGP signature provided')
  const binary = block?.bytes ?? content
  const frames = readPackets(binary, signatureLimit, 'bad_signature')
  if (frames.length === 0) throw new EntryError('bad_signature', 'invalid PGP signature: EOF')
  if (frames.some(({ type }) => type !== packetType.signature))
    throw new EntryError('bad_signature', 'valid PGP signature was not detected')
  return {
    canonical: block === undefined ? utf8(encodeArmor('PGP SIGNATURE', binary)) : content,
    signatures: await readSignatures(binary, frames),
  }
}

/**
 * That the signature over `message` is by a key of the ring which was valid when the signature says it was made: the log proves
 * existence, and keys expire. Of several signatures the first by a key of the ring counts. Gives that key. Throws `bad_signature`.
 */
export async function verifyPgpSignature(
  ring: PgpKeyRing,
  { signatures }: PgpSignature,
  message: Uint8Array,
): Promise<PgpSigner> {
  for (const signature of signatures) {
    const issuers = ring.keys.filter((key) => isIssuer(key, signature))
    const [first] = issuers
    if (first === undefined) continue
    const unsupported = issuers
      .map((key) => unsupportedOf(key, signature))
      .find((fault) => fault !== undefined)
    const fault = unsupported ?? documentFaultOf(signature, message)
    if (fault !== undefined) throw new EntryError('bad_signature', `openpgp: ${fault}`)
    spendForHashing(message)
    // The first that has a key of this ID, as the library chooses.
    const signer = await ('keyId' in signature
      ? verifyPgpSignatureV3(first, signature, message)
      : verifyPacket(first, signature, message))
    noteHeld(signer.spki, signatureNumbers(signature))
    return signer
  }
  throw new EntryError('bad_signature', 'openpgp: signature made by unknown entity')
}

/** In the order in which they stand. Versions that are not known are passed over, and refused where there is nothing else. */
async function readSignatures(
  binarySignature: Uint8Array,
  frames: readonly PgpPacket[],
): Promise<PgpSignature['signatures']> {
  let parsed: readonly unknown[]
  try {
    parsed = [...(await openpgp().readSignature({ binarySignature })).packets]
  } catch (cause) {
    const reason = reasonOf(cause).slice(0, 200)
    throw new EntryError('bad_signature', `invalid PGP signature: openpgp: ${reason}`, { cause })
  }
  let refusal: EntryError | undefined
  const signatures: (SignaturePacket | PgpSignatureV3)[] = []
  for (const [i, { body }] of frames.entries()) {
    const packet = parsed[i]
    try {
      // The library knows no version 3, and puts a packet without any members in its place.
      if (body[0] === 3) signatures.push(parsePgpSignatureV3(body))
      else if (packet instanceof openpgp().SignaturePacket) signatures.push(packet)
    } catch (error) {
      if (!(error instanceof EntryError)) throw error
      refusal ??= error
    }
  }
  if (signatures.length > 0) return signatures
  throw refusal ?? new EntryError('bad_signature', 'invalid PGP signature: openpgp: unsupported signature')
}

function isIssuer(key: PublicKey, signature: SignaturePacket | PgpSignatureV3): boolean {
  const keyId = keyIdOf(signature)
  return [key, ...key.subkeys].some((candidate) => candidate.getKeyID().toHex() === keyId)
}

function keyIdOf(signature: SignaturePacket | PgpSignatureV3): string {
  return 'keyId' in signature ? signature.keyId : signature.issuerKeyID.toHex()
}

/** The library looks at self-signatures from the newest on, and mostly stops at the first that holds. */
const selfSignatureShare = 0.25

/** Looked at before any arithmetic: what would be slow, or has no backend here. Pays for the rest. */
function unsupportedOf(key: PublicKey, signature: SignaturePacket | PgpSignatureV3): string | undefined {
  const own = key.getKeyID()
  const packets = key
    .toPacketList()
    .filterByTag(openpgp().enums.packet.signature) as readonly SignaturePacket[]
  const selfSignatures = packets.filter((packet) => packet.issuerKeyID.equals(own)).length
  if (selfSignatures > selfSignatureLimit)
    return `unsupported feature: more than ${selfSignatureLimit} self-signatures`
  const keyId = keyIdOf(signature)
  for (const signer of [key, ...key.subkeys.filter((subkey) => subkey.getKeyID().toHex() === keyId)]) {
    const { algorithm, curve = '' } = signer.getAlgorithmInfo()
    if (unsupportedAlgorithms.test(algorithm) || unsupportedCurves.test(curve))
      return `unsupported feature: signatures by ${curve === '' ? algorithm : curve} keys`
    spend(verificationCost(sizeOf(signer)) * (signer === key ? 1 + selfSignatures * selfSignatureShare : 1))
  }
  return undefined
}

const nistCurves: ReadonlyMap<string, 'P-256' | 'P-384'> = new Map([
  ['nistP256', 'P-256'],
  ['nistP384', 'P-384'],
])

/** What is none of these counts as the dearest. */
function sizeOf(key: Pick<PublicKey, 'getAlgorithmInfo'>): KeySize {
  const { algorithm, bits, curve = '' } = key.getAlgorithmInfo()
  if (bits !== undefined) return { type: 'rsa', modulusBits: bits }
  if (algorithm === 'ed25519' || algorithm === 'eddsaLegacy') return { type: 'ed25519' }
  return { type: 'ecdsa', curve: nistCurves.get(curve) ?? 'P-521' }
}

/** Other types sign something else than the message: a standalone signature nothing at all. */
function documentFaultOf(
  signature: SignaturePacket | PgpSignatureV3,
  message: Uint8Array,
): string | undefined {
  const type = 'keyId' in signature ? signature.type : signature.signatureType
  const types = openpgp().enums.signature
  if (type === types.binary) return undefined
  if (type !== types.text) return 'invalid signature: not a signature of a document'
  return isLonger(message, lineLimit)
    ? `unsupported feature: a signature of text of more than ${lineLimit} lines`
    : undefined
}

async function verifyPacket(
  key: PublicKey,
  packet: SignaturePacket,
  message: Uint8Array,
): Promise<PgpSigner> {
  const { createMessage, PacketList, Signature, verify } = openpgp()
  const list = new PacketList<SignaturePacket>()
  list.push(packet)
  const date = packet.created
  let signer: PublicKey | Subkey
  try {
    const { signatures } = await verify({
      message: await createMessage({ binary: message }),
      signature: new Signature(list),
      verificationKeys: [key],
      date,
      format: 'binary',
    })
    if (signatures.length === 0) throw new Error('none found')
    await Promise.all(signatures.map(({ verified }) => verified))
    // By which of its keys: asked of the library in the way in which it has just asked itself.
    signer = await key.getSigningKey(packet.issuerKeyID, date)
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw new EntryError('bad_signature', `openpgp: ${wordsOf(cause.message)}`, { cause })
  }
  return pgpSignerOf(key, signer)
}

/** Without what a packet holds beside them, unsigned; as DER has them, and so two of them as in any ECDSA signature. */
function signatureNumbers(signature: SignaturePacket | PgpSignatureV3): Uint8Array {
  // The library does not type them.
  const numbers =
    'keyId' in signature ? [signature.signature] : Object.values(memberAt(signature, 'params') ?? {})
  return der(
    derTag.sequence,
    ...numbers.filter((number) => number instanceof Uint8Array).map(derUnsignedInteger),
  )
}

function isLonger(text: Uint8Array, lines: number): boolean {
  let breaks = 0
  for (let at = 0; at < text.length; at++) if (text[at] === 0x0a) breaks++
  return breaks > lines
}

/** Common faults in the words that users of Rekor look for. */
function wordsOf(message: string): string {
  if (message.endsWith(' is revoked')) return 'signature made by revoked key'
  if (message === 'Signed digest did not match') return "invalid signature: hash tag doesn't match"
  return `invalid signature: ${message.slice(0, 200)}`
}
