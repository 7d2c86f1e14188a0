/**
 * Kyverno's ImageValidatingPolicy. It reads bundles and legacy signatures, and compares images as pods write them; `*` in
 * its globs goes past a slash.
 */
import { wholePattern } from '../conditions.ts'
import { isOfDockerHub, scopeOf } from '../image-pattern.ts'
import { type IdentitySigner, type ImagePolicy, isKey, type Rule, type Signer } from '../policy.ts'
import type { ExportContext, Exporter } from './context.ts'
import { refuseDenial, refuseIdentityWithoutLog, refuseJobConditions } from './limits.ts'
import { encodeManifests, headOf } from './manifest.ts'
import { base64, compactRoot, currentLog, trustOf } from './trust.ts'

const engine = "Kyverno's ImageValidatingPolicy"
const longestTrust = 1 << 20

export const exportKyverno: Exporter = (policy, context, cannot) => {
  refuseJobConditions(policy, engine, cannot)
  refuseIdentityWithoutLog(policy, engine, cannot)
  refuseDenial(policy, engine, cannot)
  if (policy.rules.some(({ log }) => log === 'required') && context.tuf === undefined)
    cannot(
      'Kyverno asks a TUF repository wherever a log is demanded, even with the trusted root inside, and without ours the public one: name it with --tuf-mirror and --tuf-root (where the stack publishes its trust: URL/tuf and URL/tuf/root.json)',
    )
  if ((context.trust?.text.length ?? 0) > longestTrust)
    cannot(`the trusted root is larger than ${longestTrust} bytes, which Kyverno takes at most`)
  refuseImagePatterns(policy, cannot)
  const notes = ['Image volumes are not looked at: Kyverno lists none.']
  const documents = policy.rules.flatMap((rule) => [
    manifestOf(policy, rule, context, 'pods', ['containers', 'initContainers']),
    // A subresource beside pods would end the rules that Kyverno makes for workloads.
    manifestOf(policy, rule, context, 'pods/ephemeralcontainers', ['ephemeralContainers']),
  ])
  const text = encodeManifests(headOf(policy, context, notes), documents)
  return { files: [{ name: 'kyverno.yaml', text }], notes }
}

export function refuseImagePatterns({ rules }: ImagePolicy, cannot: (sentence: string) => void): void {
  for (const { name, images } of rules)
    for (const pattern of images) {
      if (isOfDockerHub(pattern))
        cannot(
          `rule ${name}: Kyverno compares images as pods write them, and pods may leave out the ${pattern.split('/')[0]} of ${pattern}`,
        )
      else if (globsOf(pattern) === undefined)
        cannot(
          `rule ${name}: * goes past a slash in Kyverno, so ${pattern} would be more there; end it with /**`,
        )
    }
}

/** The globs of all its spellings with tag and digest. */
export function globsOf(pattern: string): readonly string[] | undefined {
  if (pattern === '**') return ['*']
  const scope = scopeOf(pattern)
  if (scope === undefined) return undefined
  const { prefix, isWhole } = scope
  return isWhole ? [prefix, `${prefix}:*`, `${prefix}@*`] : [`${prefix}/*`]
}

function manifestOf(
  policy: ImagePolicy,
  rule: Rule,
  context: ExportContext,
  resource: string,
  lists: readonly string[],
): object {
  const isEnforced = policy.mode === 'enforce'
  const attestors = rule.signedBy.map((signer, at) => ({
    name: `a${at}`,
    cosign: cosignOf(rule, signer, context),
  }))
  const names = attestors.map(({ name }) => `attestors.${name}`).join(', ')
  const attestations = rule.attestations.map((type, at) => ({ name: `t${at}`, intoto: { type } }))
  const calls = [
    { call: `verifyImageSignatures(image, [${names}])`, what: 'no signature' },
    ...attestations.map(({ name, intoto }) => ({
      call: `verifyAttestationSignatures(image, attestations.${name}, [${names}])`,
      what: `no attestation of the type ${intoto.type}`,
    })),
  ]
  return {
    apiVersion: apiVersionOf(context),
    kind: 'ImageValidatingPolicy',
    metadata: {
      name: `${policy.name}-${rule.name}${resource === 'pods' ? '' : '-ephemeral'}`,
    },
    spec: {
      validationActions: [isEnforced ? 'Deny' : 'Warn'],
      failurePolicy: isEnforced ? 'Fail' : 'Ignore',
      webhookConfiguration: { timeoutSeconds: 30 },
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: [resource] },
        ],
      },
      matchImageReferences: rule.images
        .flatMap((pattern) => globsOf(pattern) ?? [])
        .map((glob) => ({ glob })),
      validationConfigurations: { mutateDigest: isEnforced, verifyDigest: isEnforced, required: isEnforced },
      attestors,
      ...(attestations.length > 0 && { attestations }),
      validations: lists.flatMap((list) =>
        calls.map(({ call, what }) => ({
          expression: `images.?${list}.orValue([]).map(image, ${call}).all(e, e > 0)`,
          message: `policy ${policy.name}, rule ${rule.name}: ${what} of ${list} is accepted`,
        })),
      ),
    },
  }
}

/** 1.16 serves v1beta1 beside the first version, 1.17 the last one. */
function apiVersionOf({ engineVersion }: ExportContext): string {
  const [major, minor] = engineVersion ?? [1, 17]
  const version = major > 1 || minor >= 17 ? 'v1' : minor === 16 ? 'v1beta1' : 'v1alpha1'
  return `policies.kyverno.io/${version}`
}

function cosignOf(rule: Rule, signer: Signer, context: ExportContext): object {
  if (rule.log === 'off')
    return { ...whoOf(signer), ctlog: { insecureIgnoreTlog: true, insecureIgnoreSCT: true } }
  const { trustedRoot, text } = trustOf(context)
  const { tuf } = context
  return {
    ...whoOf(signer),
    trustedRoot: { value: compactRoot(text) },
    ...(tuf !== undefined && {
      tuf: { mirror: tuf.mirror, root: { data: base64(Buffer.from(tuf.root).toString('utf8')) } },
    }),
    ctlog: {
      url: currentLog(trustedRoot).baseUrl,
      ...((isKey(signer) || trustedRoot.ctlogs.length === 0) && { insecureIgnoreSCT: true }),
    },
  }
}

function whoOf(signer: Signer): object {
  if (isKey(signer)) return { key: { data: signer.key } }
  return { keyless: { identities: [identityOf(signer)] } }
}

/** Patterns need not cover a whole value there, so they say that they do. */
export function identityOf({ issuer, identity, identityPattern }: IdentitySigner): object {
  return {
    issuer,
    ...(identity !== undefined && { subject: identity }),
    ...(identityPattern !== undefined && { subjectRegExp: wholePattern(identityPattern) }),
  }
}
