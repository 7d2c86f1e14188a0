/**
 * TrustRoot and ClusterImagePolicy of policy-controller. Every policy that covers an image must hold, and of one policy's
 * authorities any. It computes the IDs of logs in a way of its own, by which it finds those of bundles in no TrustRoot: so
 * legacy signatures.
 */
import { wholePattern } from '../conditions.ts'
import { type ImagePolicy, isKey, type Rule, type Signer } from '../policy.ts'
import type { ExportContext, Exporter } from './context.ts'
import { refuseBundles, refuseIdentityWithoutLog, refuseJobConditions } from './limits.ts'
import { encodeManifests, headOf } from './manifest.ts'
import { base64, certificatesPem, currentLog, logKeyPem, logsOfLegacy, trustOf } from './trust.ts'

const engine = 'policy-controller with trust of its own'

export const exportPolicyController: Exporter = (policy, context, cannot) => {
  refuseBundles(policy, engine, cannot)
  refuseJobConditions(policy, engine, cannot)
  refuseIdentityWithoutLog(policy, engine, cannot)
  const trusts = policy.rules.some(({ log }) => log === 'required')
  const policies = policy.rules.flatMap((rule) => [
    policyOf(policy, rule, context, `${policy.name}-${rule.name}`, {}),
    // An authority that asks for attestations looks at no signature.
    ...(rule.attestations.length === 0
      ? []
      : [policyOf(policy, rule, context, `${policy.name}-${rule.name}-attested`, attestationsOf(rule))]),
  ])
  const notes = [
    'A namespace takes part when it is labelled: kubectl label namespace NAME policy.sigstore.dev/include=true',
    `Images that no policy covers: no-match-policy in the ConfigMap config-policy-controller must be ${policy.otherwise} (deny unless it is set).`,
  ]
  const documents = [...(trusts ? [trustRootOf(policy, context)] : []), ...policies]
  const text = encodeManifests(headOf(policy, context, notes), documents)
  return { files: [{ name: 'policy-controller.yaml', text }], notes }
}

function trustRootOf({ name }: ImagePolicy, context: ExportContext): object {
  const { certificateAuthorities, timestampAuthorities, tlogs, ctlogs } = trustOf(context).trustedRoot
  const authority = ({ subject, uri, chain }: (typeof certificateAuthorities)[number]) => ({
    // Both must be there, and neither is held against the certificate.
    subject: {
      organization: subject.organization ?? 'sigstack',
      commonName: subject.commonName ?? subject.organization ?? 'sigstack',
    },
    uri: uri ?? 'https://ca.invalid',
    certChain: base64(certificatesPem(chain)),
  })
  const log = (each: (typeof tlogs)[number]) => ({
    baseURL: each.baseUrl,
    hashAlgorithm: 'sha-256',
    publicKey: base64(logKeyPem(each)),
  })
  return {
    apiVersion: 'policy.sigstore.dev/v1alpha1',
    kind: 'TrustRoot',
    metadata: { name },
    spec: {
      sigstoreKeys: {
        certificateAuthorities: certificateAuthorities.map(authority),
        ...(timestampAuthorities.length > 0 && { timestampAuthorities: timestampAuthorities.map(authority) }),
        tLogs: tlogs.map(log),
        ...(ctlogs.length > 0 && { ctLogs: ctlogs.map(log) }),
      },
    },
  }
}

function policyOf(
  policy: ImagePolicy,
  rule: Rule,
  context: ExportContext,
  name: string,
  more: object,
): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: {
      mode: policy.mode,
      images: rule.images.flatMap(globsOf).map((glob) => ({ glob })),
      authorities: rule.signedBy.map((signer, at) => ({
        name: `a${at}`,
        ...authorityOf(policy, rule, signer, context),
        ...more,
      })),
    },
  }
}

/** They are held against names with tag or digest, in which `*` stands for anything but a slash. */
function globsOf(pattern: string): readonly string[] {
  const full = pattern.startsWith('docker.io/') ? `index.${pattern}` : pattern
  return full.endsWith('*') ? [full] : [`${full}:*`, `${full}@*`]
}

function authorityOf({ name }: ImagePolicy, rule: Rule, signer: Signer, context: ExportContext): object {
  const format = { signatureFormat: 'legacy' }
  const who = isKey(signer) ? { key: { data: signer.key, hashAlgorithm: 'sha256' } } : undefined
  if (rule.log === 'off') return { ...who, ...format }
  const { certificateAuthorities, ctlogs } = trustOf(context).trustedRoot
  // Without its own reference to the trust the log would not be looked at.
  const ctlog = { url: currentLog({ tlogs: logsOfLegacy(context).logs }).baseUrl, trustRootRef: name }
  if (isKey(signer)) return { ...who, ctlog, ...format }
  const { issuer, identity, identityPattern } = signer
  const keyless = {
    url: certificateAuthorities[0]?.uri ?? 'https://ca.invalid',
    trustRootRef: name,
    ...(ctlogs.length === 0 && { insecureIgnoreSCT: true }),
    identities: [
      {
        issuer,
        ...(identity !== undefined && { subject: identity }),
        ...(identityPattern !== undefined && { subjectRegExp: wholePattern(identityPattern) }),
      },
    ],
  }
  return { keyless, ctlog, ...format }
}

function attestationsOf({ attestations }: Rule): object {
  return {
    attestations: attestations.map((predicateType, at) => ({ name: `t${at}`, predicateType })),
  }
}
