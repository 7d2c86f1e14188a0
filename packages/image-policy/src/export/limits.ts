/** Sentences about what an engine cannot say, told alike for all of them. */
import { type IdentitySigner, type ImagePolicy, isKey, type KeySigner, type Rule } from '../policy.ts'

type Cannot = (sentence: string) => void

export function identitiesOf({ signedBy }: Rule): readonly IdentitySigner[] {
  return signedBy.filter((signer): signer is IdentitySigner => !isKey(signer))
}

export function keysOf({ signedBy }: Rule): readonly KeySigner[] {
  return signedBy.filter(isKey)
}

/** Engines that know no more of a job than its name would accept its other repositories and refs. */
export function refuseJobConditions({ rules }: ImagePolicy, engine: string, cannot: Cannot): void {
  for (const rule of rules)
    for (const signer of identitiesOf(rule)) {
      const { sourceRepository, buildSigner, refPattern } = signer
      if ((sourceRepository ?? buildSigner ?? refPattern) === undefined) continue
      cannot(
        `rule ${rule.name}: ${engine} compares identities alone; say sourceRepository, buildSigner and refPattern as identity or identityPattern`,
      )
    }
}

export function refuseBundles({ signatures }: ImagePolicy, engine: string, cannot: Cannot): void {
  if (signatures === 'bundle')
    cannot(
      `${engine} reads legacy signatures alone and would find none; sign with --format both, and write signatures: both`,
    )
}

export function refuseAttestations({ rules }: ImagePolicy, engine: string, cannot: Cannot): void {
  for (const { name, attestations } of rules)
    if (attestations.length > 0) cannot(`rule ${name}: ${engine} does not look at attestations`)
}

export function refuseWarning({ mode }: ImagePolicy, engine: string, cannot: Cannot): void {
  if (mode === 'warn') cannot(`${engine} allows or refuses; it cannot warn`)
}

export function refuseDenial({ otherwise }: ImagePolicy, engine: string, cannot: Cannot): void {
  if (otherwise === 'deny')
    cannot(
      `${engine} lets pass what no rule covers, so otherwise: deny would not hold; cover it by a rule, or allow it`,
    )
}

/** A short-lived certificate is judged at the time that the log vouches for. */
export function refuseIdentityWithoutLog({ rules }: ImagePolicy, engine: string, cannot: Cannot): void {
  for (const rule of rules)
    if (rule.log === 'off' && identitiesOf(rule).length > 0)
      cannot(
        `rule ${rule.name}: without a log ${engine} cannot tell when a certificate was used; demand the log`,
      )
}

export function refuseMixture({ rules }: ImagePolicy, engine: string, cannot: Cannot): void {
  for (const rule of rules)
    if (keysOf(rule).length > 0 && identitiesOf(rule).length > 0)
      cannot(`rule ${rule.name}: ${engine} takes keys or identities, and not either`)
}
