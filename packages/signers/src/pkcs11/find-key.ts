/** From a URI's attributes to the one key that they name. */
import type { SignerErrorCode } from '../errors.ts'
import { cka, cko, encodeUlong } from './constants.ts'
import type { Attribute, Cryptoki, TokenInfo } from './cryptoki.ts'
import type { PublicKeyAttributes } from './protocol.ts'
import type { KeySelector, TokenSelector } from './uri.ts'

/** The rest of a sentence that begins with the key's URI. */
export class KeyTrouble extends Error {
  override readonly name = 'KeyTrouble'
  readonly code: SignerErrorCode
  constructor(code: SignerErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export async function findSlot(cryptoki: Cryptoki, selector: TokenSelector): Promise<number> {
  const tokens = await cryptoki.tokens()
  const matching = tokens.filter((token) => isMeant(token, selector))
  const [token] = matching
  if (token === undefined)
    throw new KeyTrouble(
      'no_such_key',
      `names a token that is not there; there are: ${tokens.map(describe).join(', ') || 'none'}`,
    )
  if (matching.length > 1)
    throw new KeyTrouble(
      'bad_uri',
      `fits several tokens: ${matching.map(describe).join(', ')}; add token= or serial=`,
    )
  return token.slotId
}

function isMeant(token: TokenInfo, { slotId, ...names }: TokenSelector): boolean {
  if (slotId !== undefined) return token.slotId === slotId
  // A slot for new tokens counts as one without a name, which nobody means.
  if (token.token === '') return false
  return Object.entries(names).every(([name, value]) => token[name as keyof typeof names] === value)
}

function describe({ token, serial }: TokenInfo): string {
  return token === '' ? 'an empty one' : `${token} (serial ${serial})`
}

/** Its handle, and the attributes of the public key beside it: tokens do not derive one from the other. */
export async function findKey(
  cryptoki: Cryptoki,
  session: bigint,
  { object, id }: KeySelector,
): Promise<{ readonly handle: bigint; readonly publicKey: PublicKeyAttributes }> {
  const find = (objectClass: number, more: readonly Attribute[]): Promise<readonly bigint[]> =>
    cryptoki.findObjects(session, [{ type: cka.class, value: encodeUlong(objectClass) }, ...more], 2)
  const named: readonly Attribute[] = [
    ...(object === undefined ? [] : [{ type: cka.label, value: Buffer.from(object) }]),
    ...(id === undefined ? [] : [{ type: cka.id, value: id }]),
  ]
  const [handle, surplus] = await find(cko.privateKey, named)
  if (handle === undefined)
    throw new KeyTrouble(
      'no_such_key',
      'names no private key of this token that can be seen (without the right PIN none can)',
    )
  if (surplus !== undefined) throw new KeyTrouble('bad_uri', 'fits several keys of this token; add id=')
  const read = (type: number, of = handle): Promise<Buffer | undefined> =>
    cryptoki.readAttribute(session, of, type)
  if ((await read(cka.sign))?.[0] === 0)
    throw new KeyTrouble('unsupported_key', 'is a key that may not sign (CKA_SIGN)')
  if ((await read(cka.alwaysAuthenticate))?.[0] === 1)
    throw new KeyTrouble(
      'unsupported_key',
      'is a key that wants its PIN for each signature (CKA_ALWAYS_AUTHENTICATE)',
    )

  const ownId = await read(cka.id)
  const [publicKey] = await find(
    cko.publicKey,
    ownId === undefined || ownId.length === 0 ? named : [{ type: cka.id, value: ownId }],
  )
  if (publicKey === undefined)
    throw new KeyTrouble(
      'no_such_key',
      'is a private key whose public key is not on the token; store it there under the same ID',
    )
  const keyType = await read(cka.keyType, publicKey)
  const attributes: Record<string, Uint8Array> = {}
  for (const name of ['ecParams', 'ecPoint', 'modulus', 'publicExponent'] as const) {
    const value = await read(cka[name], publicKey)
    if (value !== undefined) attributes[name] = value
  }
  return { handle, publicKey: { keyType: keyType?.[0] ?? -1, ...attributes } }
}
