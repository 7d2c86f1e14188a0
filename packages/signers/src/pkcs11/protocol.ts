/** What is said between this process and the one that has a PKCS #11 module loaded. Byte arrays travel as they are. */
import type { SignerErrorCode } from '../errors.ts'
import type { KeySelector, TokenSelector } from './uri.ts'

export type HostRequest = { readonly modulePath: string } & (
  | {
      readonly op: 'open'
      readonly token: TokenSelector
      readonly key: KeySelector
      readonly pin: string | undefined
    }
  | { readonly op: 'sign'; readonly key: TokenKey; readonly mechanism: number; readonly data: Uint8Array }
)

/** Where a key is, for as long as the host lives. */
export type TokenKey = { readonly slotId: number; readonly handle: bigint }

export type FoundKey = { readonly key: TokenKey; readonly publicKey: PublicKeyAttributes }

export type PublicKeyAttributes = {
  /** CK_KEY_TYPE. */
  readonly keyType: number
  readonly ecParams?: Uint8Array
  readonly ecPoint?: Uint8Array
  readonly modulus?: Uint8Array
  readonly publicExponent?: Uint8Array
}

export type HostMessage = { readonly id: number; readonly request: HostRequest }

export type HostReply = { readonly id: number; readonly reply: HostAnswer }

export type HostAnswer =
  | { readonly ok: true; readonly value: FoundKey | Uint8Array }
  /** `message` is the rest of a sentence that begins with the URI, which only the asking side knows. */
  | { readonly ok: false; readonly code: SignerErrorCode; readonly message: string }
