/** What a policy says of an image: each rule's verdict, and what follows from all of them. */
import { formsOf, type ImagePolicy, type Rule, rulesFor, signerOf } from '@sigstack/image-policy'
import { repositoryText } from '@sigstack/oci'
import { imageSignaturePredicateType } from '@sigstack/signing'
import { breadthOf, type CertificateIdentity, type VerifyOptions } from '@sigstack/verification'
import type { Image } from './image.ts'
import { type Demands, type FoundAttachment, verifyForm } from './verify-attached.ts'

export type RuleVerdict = {
  readonly rule: string
  readonly holds: boolean
  /** Who signed, where it holds. */
  readonly signedBy: readonly string[]
  /** What is missing, a line each, where it does not. */
  readonly reasons: readonly string[]
  /** Whom else the rule would have accepted. */
  readonly warnings: readonly string[]
}

export type ImageVerdict = {
  /** `warned`: it may run, and somebody is told. */
  readonly verdict: 'allowed' | 'warned' | 'refused'
  /** Of the rules that cover it. */
  readonly rules: readonly RuleVerdict[]
}

/** `unknown`: the registry could not be asked, which is another thing than a signature that is not there. */
export type TestedImage =
  | ({ readonly image: string; readonly digest: string } & ImageVerdict)
  | { readonly image: string; readonly verdict: 'unknown'; readonly reason: string }

/** Whom to trust, and the time where nobody vouches for one. */
export type Ground = Pick<VerifyOptions, 'trustedRoot' | 'now'>

export async function decide(policy: ImagePolicy, image: Image, ground: Ground): Promise<ImageVerdict> {
  const rules: RuleVerdict[] = []
  for (const rule of rulesFor(policy, repositoryText(image.reference)))
    rules.push(await verdictOf(policy, rule, image, ground))
  if (rules.length === 0) return { verdict: policy.otherwise === 'deny' ? 'refused' : 'allowed', rules }
  if (rules.every(({ holds }) => holds)) return { verdict: 'allowed', rules }
  return { verdict: policy.mode === 'warn' ? 'warned' : 'refused', rules }
}

async function verdictOf(
  { signatures }: ImagePolicy,
  rule: Rule,
  image: Image,
  ground: Ground,
): Promise<RuleVerdict> {
  const found = gather()
  const wanted = [
    { kind: 'sig', type: imageSignaturePredicateType, what: 'signature' },
    ...rule.attestations.map(
      (type) => ({ kind: 'att', type, what: `attestation of the type ${type}` }) as const,
    ),
  ] as const
  for (const form of formsOf[signatures])
    for (const { kind, type, what } of wanted)
      await found.attempt(rule, image, ground, form, kind, type, what)
  return found.result(rule.name)
}

function gather() {
  const signedBy = new Set<string>()
  const reasons: string[] = []
  const warnings = new Set<string>()
  const accept = ({ identity }: FoundAttachment, signer: VerifyOptions['signer']): void => {
    signedBy.add(nameOf(identity))
    if (identity === undefined || !('policy' in signer) || signer.policy === undefined) return
    for (const sentence of breadthOf(signer.policy, identity)) warnings.add(sentence)
  }
  return {
    /** By the first signer whose signature is there. */
    async attempt(
      rule: Rule,
      image: Image,
      ground: Ground,
      form: FoundAttachment['format'],
      kind: 'sig' | 'att',
      type: string,
      what: string,
    ): Promise<void> {
      const refusals: string[] = []
      for (const each of rule.signedBy) {
        const signer = signerOf(each)
        const demands: Demands = {
          ...ground,
          signer,
          ignoreTlog: rule.log === 'off',
          ignoreSct: ground.trustedRoot.ctlogs.length === 0,
          allowCertificateChain: false,
        }
        const findings = await verifyForm(image, form, kind, type, demands)
        if (findings.verified.length > 0) {
          for (const found of findings.verified) accept(found, signer)
          return
        }
        refusals.push(...findings.refusals)
      }
      const none = `no ${what} is there${form === 'legacy' ? ' in the old form' : ''}`
      reasons.push(...(refusals.length === 0 ? [none] : new Set(refusals)))
    },
    result: (rule: string): RuleVerdict => ({
      rule,
      holds: reasons.length === 0,
      signedBy: reasons.length === 0 ? [...signedBy] : [],
      reasons,
      warnings: [...warnings],
    }),
  }
}

function nameOf(identity: CertificateIdentity | undefined): string {
  if (identity === undefined) return 'its key'
  return `${identity.subject}${identity.issuer === undefined ? '' : ` (${identity.issuer})`}`
}
