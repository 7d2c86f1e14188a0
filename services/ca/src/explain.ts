/** What would come of a token, without issuing anything: which issuer and which rule apply, and what the certificate would say. */
import { describeFulcioExtension } from '@sigstack/x509'
import { createFindIssuer } from './identity/find-issuer.ts'
import type { Identity, IssuerEntry } from './identity/identity.ts'
import { identityOf } from './identity/identity-of.ts'
import { assertPermitted, decide } from './identity/policy.ts'
import { certificateContent } from './issuance/certificate-content.ts'
import { IssuanceError } from './refusals.ts'
import { issuerNotConfigured, tokenComplaints } from './token/complaints.ts'
import { decodeToken, issuerUrlOf, readAlgorithm, readKeyId } from './token/decode.ts'
import { acceptedAlgorithms } from './token/key-set.ts'

export type Explanation = {
  /** Whether the CA would issue, if the signature of the token is good: that is not looked at. */
  readonly permitted: boolean
  /** Every reason against it, in the order in which the CA would meet them. */
  readonly refusals: readonly { readonly code: string; readonly message: string }[]
  readonly tokenIssuer: string | undefined
  readonly issuer:
    | {
        readonly url: string
        readonly isPattern: boolean
        readonly type: string
        readonly ciProvider: string | undefined
        readonly audience: string
      }
    | undefined
  readonly policy:
    | { readonly allowed: boolean; readonly rule: string | undefined; readonly rules: readonly string[] }
    | undefined
  readonly certificate:
    | {
        readonly subjectAlternativeName: { readonly type: string; readonly value: string }
        readonly extensions: readonly {
          readonly oid: string
          readonly name: string
          readonly value: string
        }[]
        /** What the client's proof of possession may cover. */
        readonly proofOver: readonly string[]
      }
    | undefined
}

/** Never throws for what a token holds; `token` may have white space around it. */
export function explainToken(issuers: readonly IssuerEntry[], token: string, now: Date): Explanation {
  const refusals: { code: string; message: string }[] = []
  const attempt = <T>(step: () => T): T | undefined => {
    try {
      return step()
    } catch (error) {
      if (!(error instanceof IssuanceError)) throw error
      refusals.push({ code: error.refusal ?? error.code, message: error.message })
      return undefined
    }
  }
  const decoded = attempt(() => decodeToken(token.trim()))
  const tokenIssuer = decoded && attempt(() => issuerUrlOf(decoded.claims))
  const entry =
    tokenIssuer === undefined
      ? undefined
      : attempt(() => {
          const found = createFindIssuer(issuers)(tokenIssuer)
          if (found === undefined) throw issuerNotConfigured(tokenIssuer)
          return found
        })
  if (decoded === undefined || tokenIssuer === undefined || entry === undefined)
    return {
      permitted: false,
      refusals,
      tokenIssuer,
      issuer: undefined,
      policy: undefined,
      certificate: undefined,
    }
  // From here on in the order of issuance, but going on where it would stop.
  const claims = { ...decoded.claims, iss: tokenIssuer }
  attempt(() => readKeyId(decoded.header))
  // Which of them the issuer announces only it can say.
  attempt(() => readAlgorithm(decoded.header, acceptedAlgorithms))
  for (const complaint of tokenComplaints(claims, entry.audience, now)) attempt(complaint)
  const identity = attempt(() => identityOf(entry, claims))
  attempt(() => assertPermitted(entry.policy, claims))
  const certificate = identity && attempt(() => certificateOf(identity))
  const decision = entry.policy && decide(entry.policy, claims)
  return {
    permitted: refusals.length === 0,
    refusals,
    tokenIssuer,
    issuer: {
      url: entry.url,
      isPattern: entry.isPattern,
      type: entry.issuerType,
      ciProvider: entry.kind.type === 'ci-provider' ? entry.kind.providerName : undefined,
      audience: entry.audience,
    },
    policy: decision && {
      allowed: decision.allowed,
      rule: decision.rule,
      rules: entry.policy?.rules.map(({ name }) => name) ?? [],
    },
    certificate,
  }
}

function certificateOf(identity: Identity): NonNullable<Explanation['certificate']> {
  const { subjectAlternativeName, extensions } = certificateContent(identity)
  return {
    subjectAlternativeName,
    extensions: extensions.map(describeFulcioExtension),
    proofOver: identity.proofSubjects,
  }
}
