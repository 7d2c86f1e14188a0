/** Every request that is sent to both certificate authorities, by its name. */
import type { Request } from '../exchange.ts'
import { bodyCases } from './body-cases.ts'
import { ciCases } from './ci-cases.ts'
import { keyCases } from './key-cases.ts'
import type { KeyRing } from './keys.ts'
import { readCases } from './read-cases.ts'
import { textCases } from './text-cases.ts'
import { tokenCases } from './token-cases.ts'
import type { TokenIssuer } from './token-issuer.ts'

export type Case = {
  readonly name: string
  readonly request: Request
  /** SubjectPublicKeyInfo, where a certificate may come out. */
  readonly spki?: Uint8Array
}

export type CaseMaterial = { readonly issuer: TokenIssuer; readonly keys: KeyRing }

export function allCases(material: CaseMaterial): readonly Case[] {
  return [keyCases, tokenCases, ciCases, bodyCases, textCases, readCases].flatMap((cases) => cases(material))
}
