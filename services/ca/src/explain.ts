/** What would come of a token, without issuing anything: which issuer and which rule apply, and what the certificate would say. */
import { describeFulcioExtension, fulcioExtensions, X509Error } from '@sigstack/x509'
import { decodeToken, issuerUrlOf, tokenComplaints } from './adapters/token-verifier.ts'
import type { Claims } from './identity/claims.ts'
import { createFindIssuer } from './identity/find-issuer.ts'
import type { IssuerEntry } from './identity/identity.ts'
import { identityOf } from './identity/identity-of.ts'
import { decide } from './identity/policy.ts'
import { IssuanceError } from './issuance/issuance-error.ts'

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
  const entry = tokenIssuer === undefined ? undefined : createFindIssuer(issuers)(tokenIssuer)
  if (decoded === undefined || tokenIssuer === undefined || entry === undefined) {
    if (tokenIssuer !== undefined)
      refusals.push({
        code: 'issuer_not_configured',
        message: `iss is ${JSON.stringify(tokenIssuer)}, which is not among the configured issuers`,
      })
    return {
      permitted: false,
      refusals,
      tokenIssuer,
      issuer: undefined,
      policy: undefined,
      certificate: undefined,
    }
  }
  const claims = { ...decoded.claims, iss: tokenIssuer }
  for (const complaint of tokenComplaints(claims, entry.audience, now)) attempt(complaint)
  const certificate = attempt(() => certificateOf(entry, claims))
  const decision = entry.policy === undefined ? undefined : decide(entry.policy, claims)
  if (decision?.allowed === false)
    refusals.push({
      code: 'policy_refused',
      message:
        decision.rule === undefined
          ? 'no rule that allows matches this identity'
          : `the rule ${JSON.stringify(decision.rule)} denies it`,
    })
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

function certificateOf(entry: IssuerEntry, claims: Claims): NonNullable<Explanation['certificate']> {
  const { subjectAlternativeName, claims: stated, proofSubjects } = identityOf(entry, claims)
  try {
    const extensions = fulcioExtensions(stated).map(describeFulcioExtension)
    return { subjectAlternativeName, extensions, proofOver: proofSubjects }
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    throw new IssuanceError('san_unencodable', cause.message, { cause })
  }
}
