/** Tokens of CI providers, with one claim after the other left out or of another form. */
import type { Case, CaseMaterial } from './cases.ts'
import { type CiKind, ciKinds, claimsOf, provenName } from './issuer-kinds.ts'
import { prove, v2Request } from './signing-request.ts'

const forms: Readonly<Record<string, unknown>> = {
  'left out': undefined,
  empty: '',
  'a whole number': 30433642,
  'a fraction': 1.5,
  true: true,
  null: null,
  'a list': ['a', 1],
  'with a space': 'a b',
  'with a quote': 'a"b<c>&',
  'with other letters': 'größe',
}

export function ciCases(material: CaseMaterial): readonly Case[] {
  return ciKinds.flatMap((kind) => claimCases(kind, material))
}

function claimCases(kind: CiKind, { issuer, keys }: CaseMaterial): readonly Case[] {
  const key = keys.good['P-256']
  const proof = prove(key, provenName(kind, issuer.url))
  const claims = Object.keys(claimsOf(kind, issuer.url)).filter((claim) => claim !== 'sub')
  return claims.flatMap((claim) =>
    Object.entries(forms).map(([form, value]) => ({
      name: `${kind} claim: ${claim} ${form}`,
      request: v2Request({ token: issuer.token(kind, { [claim]: value }), publicKey: key.pem, proof }),
      spki: key.spki,
    })),
  )
}
