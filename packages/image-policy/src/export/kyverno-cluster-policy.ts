/**
 * Kyverno's ClusterPolicy with rules of the kind verifyImages, from 1.11 to 1.19. It reads legacy signatures. What a version
 * does not know it leaves out without a word: an unknown pattern for an identity would accept everybody.
 */
import { wholePattern } from '../conditions.ts'
import { type IdentitySigner, isKey, type Rule, type Signer } from '../policy.ts'
import type { ExportContext, Exporter } from './context.ts'
import { globsOf, refuseImagePatterns } from './kyverno.ts'
import {
  identitiesOf,
  refuseBundles,
  refuseDenial,
  refuseIdentityWithoutLog,
  refuseJobConditions,
} from './limits.ts'
import { encodeManifests, headOf } from './manifest.ts'
import {
  authoritiesPem,
  currentLog,
  howToTellLogs,
  logKeyPem,
  logsWrittenTo,
  notesOfLogs,
  trustOf,
} from './trust.ts'

const engine = "Kyverno's ClusterPolicy"

export const exportKyvernoClusterPolicy: Exporter = (policy, context, cannot) => {
  refuseBundles(policy, engine, cannot)
  refuseJobConditions(policy, engine, cannot)
  refuseIdentityWithoutLog(policy, engine, cannot)
  refuseDenial(policy, engine, cannot)
  refuseImagePatterns(policy, cannot)
  const [major, minor] = context.engineVersion ?? [1, 11]
  const hasPatterns = major > 1 || minor >= 13
  for (const rule of policy.rules)
    for (const { identity, identityPattern, issuer } of identitiesOf(rule)) {
      if (identityPattern !== undefined && !hasPatterns)
        cannot(
          `rule ${rule.name}: before 1.13 Kyverno drops a pattern for identities and accepts every identity of the CA; say --engine-version 1.13 where no older one reads it, or whole identities`,
        )
      for (const value of [identity ?? '', issuer])
        if (/[*?]/.test(value))
          cannot(
            `rule ${rule.name}: Kyverno reads * and ? in ${JSON.stringify(value)} as wildcards, so it would accept others too`,
          )
    }
  refuseSeveralLogs(policy.rules, context, cannot)
  const isEnforced = policy.mode === 'enforce'
  const action = isEnforced ? 'Enforce' : 'Audit'
  const documents = policy.rules.map((rule) => ({
    apiVersion: 'kyverno.io/v1',
    kind: 'ClusterPolicy',
    metadata: { name: `${policy.name}-${rule.name}` },
    spec: {
      background: true,
      // The first is for versions that do not know the second, and would only audit.
      validationFailureAction: action,
      ...(major === 1 && minor < 12
        ? { failurePolicy: isEnforced ? 'Fail' : 'Ignore', webhookTimeoutSeconds: 30 }
        : {
            webhookConfiguration: { failurePolicy: isEnforced ? 'Fail' : 'Ignore', timeoutSeconds: 30 },
          }),
      rules: [
        {
          name: rule.name,
          match: { any: [{ resources: { kinds: ['Pod'] } }] },
          verifyImages: [
            {
              ...(hasPatterns && { type: 'Cosign', failureAction: action }),
              imageReferences: rule.images.flatMap((pattern) => globsOf(pattern) ?? []),
              mutateDigest: isEnforced,
              verifyDigest: isEnforced,
              required: isEnforced,
              attestors: [attestorsOf(rule, context)],
              ...(rule.attestations.length > 0 && {
                attestations: rule.attestations.map((type) => ({
                  type,
                  attestors: [attestorsOf(rule, context)],
                })),
              }),
            },
          ],
        },
      ],
    },
  }))
  const notes = [
    'Kyverno will drop this kind of policy; new clusters take --for kyverno.',
    ...notesOfLogs(policy, () => logsWrittenTo(context), engine),
  ]
  const text = encodeManifests(headOf(policy, context, notes), documents)
  return { files: [{ name: 'kyverno-clusterpolicy.yaml', text }], notes }
}

function refuseSeveralLogs(
  rules: readonly Rule[],
  context: ExportContext,
  cannot: (sentence: string) => void,
): void {
  if (rules.every(({ log }) => log === 'off')) return
  for (const [what, logs, advice] of [
    ['transparency logs of Rekor v1', logsWrittenTo(context).logs, howToTellLogs(context)],
    ['certificate logs', trustOf(context).trustedRoot.ctlogs, []],
  ] as const)
    if (logs.length > 1)
      cannot(
        `${engine} reads one key of ${what}, and the trusted root lists ${logs.length}: signatures of the others would be refused; ${[...advice, 'use --for kyverno'].join(', or ')}`,
      )
}

/** Any one suffices. */
function attestorsOf(rule: Rule, context: ExportContext): object {
  return { count: 1, entries: rule.signedBy.map((signer) => entryOf(rule, signer, context)) }
}

function entryOf(rule: Rule, signer: Signer, context: ExportContext): object {
  // Without these members the public instance would be asked.
  if (rule.log === 'off') {
    const withoutLog = {
      rekor: { url: 'https://no-log.invalid', ignoreTlog: true },
      ctlog: { ignoreSCT: true },
    }
    return isKey(signer) ? { keys: { publicKeys: signer.key, ...withoutLog } } : {}
  }
  const { trustedRoot } = trustOf(context)
  const log = currentLog({ tlogs: logsWrittenTo(context).logs })
  const rekor = { url: log.baseUrl, pubkey: logKeyPem(log) }
  if (isKey(signer)) return { keys: { publicKeys: signer.key, rekor, ctlog: { ignoreSCT: true } } }
  const [ctLog] = trustedRoot.ctlogs
  const ctlog = ctLog === undefined ? { ignoreSCT: true } : { pubkey: logKeyPem(ctLog) }
  return { keyless: { ...whoOf(signer), roots: authoritiesPem(trustedRoot), rekor, ctlog } }
}

function whoOf({ issuer, identity, identityPattern }: IdentitySigner): object {
  return {
    issuer,
    ...(identity !== undefined && { subject: identity }),
    ...(identityPattern !== undefined && { subjectRegExp: wholePattern(identityPattern) }),
  }
}
