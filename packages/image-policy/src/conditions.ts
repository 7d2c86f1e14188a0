/** What a rule demands, in the terms of `verification`. */
import { parsePublicKeyPem } from '@sigstack/crypto'
import { type ClaimCondition, claimNumbers, type VerifyOptions } from '@sigstack/verification'
import { identityCondition } from '@sigstack/verification/identity-condition'
import { matchesImage } from './image-pattern.ts'
import { type ImagePolicy, isKey, type Rule, type Signer } from './policy.ts'

/** Throws a `VerificationError` `bad_policy` for a pattern that is not RE2. */
export function signerOf(signer: Signer): VerifyOptions['signer'] {
  if (isKey(signer)) return { key: parsePublicKeyPem(signer.key) }
  const { issuer, identity, identityPattern } = signer
  const isNamed = identity !== undefined || identityPattern !== undefined
  return {
    policy: {
      issuer: identityCondition({ value: issuer }),
      ...(isNamed && {
        subject: identityCondition({
          value: identity,
          pattern: identityPattern === undefined ? undefined : wholePattern(identityPattern),
        }),
      }),
      claims: claimsOf(signer),
    },
  }
}

/** RE2 that covers the whole of a value. Throws a `VerificationError` `bad_policy` where it is none by itself. */
export function wholePattern(pattern: string): string {
  identityCondition({ pattern })
  return `^(?:${pattern})$`
}

/** RE2 for one value and no other. */
export function regularExpressionOf(value: string): string {
  return `^${value.replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`)}$`
}

function claimsOf(signer: Exclude<Signer, { key: string }>): readonly ClaimCondition[] {
  const { sourceRepository, buildSigner, refPattern } = signer
  const { sourceRepository: repository, buildSigner: workflow, sourceRepositoryRef: ref } = claimNumbers
  return [
    ...(sourceRepository === undefined
      ? []
      : [{ name: 'source repository', number: repository, value: sourceRepository }]),
    ...(buildSigner === undefined ? [] : [{ name: 'build signer', number: workflow, value: buildSigner }]),
    ...(refPattern === undefined
      ? []
      : [{ name: 'ref of the source repository', number: ref, glob: refPattern }]),
  ]
}

/** Those that cover the repository, which is written with its registry and without tag and digest. */
export function rulesFor({ rules }: ImagePolicy, repository: string): readonly Rule[] {
  return rules.filter(({ images }) => images.some((pattern) => matchesImage(pattern, repository)))
}

/** A key without a log needs nobody to vouch for it. */
export function needsTrust({ rules }: ImagePolicy): boolean {
  return rules.some(({ log, signedBy }) => log === 'required' || !signedBy.every(isKey))
}
