/** Detached OpenPGP signatures over data that is at hand. */
import { asBuffer, utf8 } from '@sigstack/crypto'
import {
  createMessage,
  enums,
  PacketList,
  type PublicKey,
  readSignature,
  Signature,
  SignaturePacket,
  verify,
} from 'openpgp'
import { EntryError } from '../../errors.ts'
import { encodeArmor, findArmor } from './armor.ts'
import type { PgpKeyRing } from './key-ring.ts'
import { packetType, readPackets } from './packets.ts'

export type PgpSignature = {
  /** Armoured: as sent, or written anew from binary. */
  readonly canonical: Uint8Array
  readonly packets: readonly SignaturePacket[]
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
    packets: await readSignaturePackets(binary),
  }
}

/**
 * That the signature over `message` is by a key of the ring which was valid when the signature says it was made: the log proves
 * existence, and keys expire. Of several signatures the first by a key of the ring counts. Throws `bad_signature`.
 */
export async function verifyPgpSignature(
  ring: PgpKeyRing,
  { packets }: PgpSignature,
  message: Uint8Array,
): Promise<void> {
  for (const packet of packets) {
    const issuers = ring.keys.filter((key) => isIssuer(key, packet))
    if (issuers.length === 0) continue
    const unsupported = issuers.map((key) => unsupportedOf(key, packet)).find((fault) => fault !== undefined)
    const fault = unsupported ?? (await faultOf(packet, issuers, message))
    if (fault === undefined) return
    throw new EntryError('bad_signature', `openpgp: ${fault}`)
  }
  throw new EntryError('bad_signature', 'openpgp: signature made by unknown entity')
}

async function readSignaturePackets(binarySignature: Uint8Array): Promise<readonly SignaturePacket[]> {
  try {
    const { packets } = await readSignature({ binarySignature })
    // Versions that the library does not know, 3 among them, are in the list as packets without any members.
    const known = [...packets].filter((packet) => packet instanceof SignaturePacket)
    if (known.length > 0) return known
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : 'unknown'
    throw new EntryError('bad_signature', `invalid PGP signature: openpgp: ${reason}`, { cause })
  }
  throw new EntryError('bad_signature', 'invalid PGP signature: openpgp: unsupported signature')
}

function isIssuer(key: PublicKey, { issuerKeyID }: SignaturePacket): boolean {
  return [key, ...key.subkeys].some((candidate) => candidate.getKeyID().equals(issuerKeyID))
}

/** Looked at before any arithmetic: what would be slow, or has no backend here. */
export function unsupportedOf(
  key: PublicKey,
  { issuerKeyID }: Pick<SignaturePacket, 'issuerKeyID'>,
): string | undefined {
  const own = key.getKeyID()
  const packets = key.toPacketList().filterByTag(enums.packet.signature) as readonly SignaturePacket[]
  if (packets.filter((packet) => packet.issuerKeyID.equals(own)).length > selfSignatureLimit)
    return `unsupported feature: more than ${selfSignatureLimit} self-signatures`
  for (const signer of [key, ...key.subkeys.filter((subkey) => subkey.getKeyID().equals(issuerKeyID))]) {
    const { algorithm, curve = '' } = signer.getAlgorithmInfo()
    if (unsupportedAlgorithms.test(algorithm) || unsupportedCurves.test(curve))
      return `unsupported feature: signatures by ${curve === '' ? algorithm : curve} keys`
  }
  return undefined
}

/** Why the signature does not hold; `undefined` when it does. */
async function faultOf(
  packet: SignaturePacket,
  issuers: readonly PublicKey[],
  message: Uint8Array,
): Promise<string | undefined> {
  // Other types sign something else than the message: a standalone signature nothing at all.
  const isText = packet.signatureType === enums.signature.text
  if (packet.signatureType !== enums.signature.binary && !isText)
    return 'invalid signature: not a signature of a document'
  if (isText && isLonger(message, lineLimit))
    return `unsupported feature: a signature of text of more than ${lineLimit} lines`
  const list = new PacketList<SignaturePacket>()
  list.push(packet)
  try {
    const { signatures } = await verify({
      message: await createMessage({ binary: message }),
      signature: new Signature(list),
      verificationKeys: [...issuers],
      date: packet.created,
      format: 'binary',
    })
    if (signatures.length === 0) return 'invalid signature: none found'
    await Promise.all(signatures.map(({ verified }) => verified))
    return undefined
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    return wordsOf(cause.message)
  }
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
