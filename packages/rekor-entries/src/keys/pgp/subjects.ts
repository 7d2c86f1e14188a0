/** Whom OpenPGP keys are said to be of. */
import { asBuffer, parseUtf8 } from '@sigstack/crypto'
import { isEmail } from '../email.ts'
import { findArmor } from './armor.ts'
import { packetType, readPackets } from './packets.ts'

const subjectLimit = 200

/** The e-mail addresses of the user IDs in armoured keys, of the first 200. */
export function pgpSubjectsOf(armored: string): readonly string[] {
  const packets = readPackets(
    findArmor(armored)?.bytes ?? new Uint8Array(),
    Number.MAX_SAFE_INTEGER,
    'bad_public_key',
  )
  return packets
    .filter(({ type }) => type === packetType.userId)
    .slice(0, subjectLimit)
    .map(({ body }) => emailOf(parseUtf8(body) ?? asBuffer(body).toString('latin1')))
    .filter((email) => email !== undefined)
}

/** `Name (comment) <address>`, or nothing but an address. */
function emailOf(userId: string): string | undefined {
  const open = userId.lastIndexOf('<')
  const close = userId.indexOf('>', open)
  const email = open === -1 || close === -1 ? userId.trim() : userId.slice(open + 1, close)
  return isEmail(email) ? email : undefined
}
