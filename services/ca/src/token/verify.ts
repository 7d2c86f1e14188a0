/** Whether a token is one that a configured issuer signed, for this CA and for now (fulcio.md section 4.3). */
import { escaped, quoted, reasonOf } from '@sigstack/crypto'
import type { FindIssuer } from '../identity/find-issuer.ts'
import type { AuthenticateToken } from '../issuance/dependencies.ts'
import { refuseToken } from '../refusals.ts'
import { issuerNotConfigured, tokenComplaints } from './complaints.ts'
import { decodeToken, issuerUrlOf, readAlgorithm, readKeyId } from './decode.ts'
import type { IssuerKeys, ReadIssuerKeys } from './issuer-keys.ts'
import { isSignedBy } from './jws.ts'
import type { IssuerKey } from './key-set.ts'

export type TokenVerifierOptions = {
  readonly findIssuer: FindIssuer
  readonly readKeys: ReadIssuerKeys
  readonly now: () => Date
}

/** A token without key id is tried with every key that fits, but with no more than this many. */
const mostCandidates = 1000

export function createTokenVerifier({ findIssuer, readKeys, now }: TokenVerifierOptions): AuthenticateToken {
  return async (token) => {
    const { header, claims } = decodeToken(token)
    const issuerUrl = issuerUrlOf(claims)
    const issuer = findIssuer(issuerUrl)
    // Before anything is fetched: a token must not be able to name where its keys come from.
    if (issuer === undefined) throw issuerNotConfigured(issuerUrl)
    const keyId = readKeyId(header)
    let keys = await readKeys(issuerUrl, keyId)
    const algorithm = readAlgorithm(header, keys.algorithms)
    let candidates = candidatesFor(keys, algorithm, keyId)
    if (candidates.length === 0 && keyId !== undefined) {
      keys = await readKeys.lookUp(issuerUrl, keyId, keys)
      candidates = candidatesFor(keys, algorithm, keyId)
    }
    if (candidates.length === 0) throw unknownKey(issuerUrl, keyId, algorithm)
    await assertSignedByOneOf(token, { issuerUrl, algorithm, candidates })
    for (const check of tokenComplaints(claims, issuer.audience, now())) check()
    return { issuer, claims: claims['iss'] === issuerUrl ? claims : { ...claims, iss: issuerUrl } }
  }
}

function candidatesFor(
  { keys }: IssuerKeys,
  algorithm: string,
  keyId: string | undefined,
): readonly IssuerKey[] {
  return keys.filter((key) => (keyId === undefined || key.keyId === keyId) && key.fits(algorithm))
}

function unknownKey(issuerUrl: string, keyId: string | undefined, algorithm: string): Error {
  const what = keyId === undefined ? 'the token names no key' : `kid is ${quoted(keyId)}`
  return refuseToken('key_unknown', `${what}, and ${quoted(issuerUrl)} has no such key for ${algorithm}`)
}

type Attempt = {
  readonly issuerUrl: string
  readonly algorithm: string
  readonly candidates: readonly IssuerKey[]
}

/** A key that cannot be used is no key of the token; if none can, that is the reason. */
async function assertSignedByOneOf(token: string, attempt: Attempt): Promise<void> {
  const { issuerUrl, algorithm, candidates } = attempt
  let tried = 0
  let complaint = ''
  for (const candidate of candidates.slice(0, mostCandidates)) {
    try {
      if (await isSignedBy(token, algorithm, candidate.open())) return
      tried++
    } catch (error) {
      complaint ||= reasonOf(error)
    }
  }
  const keys = `the keys of ${quoted(issuerUrl)}`
  if (tried === 0)
    throw refuseToken('key_unusable', `none of ${keys} for ${algorithm} can be used: ${escaped(complaint)}`)
  const passedOver =
    candidates.length > mostCandidates ? `, of which the first ${mostCandidates} were tried` : ''
  throw refuseToken('signature_invalid', `the signature does not verify with ${keys}${passedOver}`)
}
