/** OpenShift's ClusterImagePolicy, from which its nodes get a `policy.json`: all limits of containers/image, and more. */
import type { Rule } from '../policy.ts'
import { refuseForSignedBy, refuseOtherLogKeys, scopeNotes, scopesOf } from './containers.ts'
import type { ExportContext, Exporter } from './context.ts'
import { identitiesOf, keysOf, refuseBundles, refuseDenial, refuseWarning } from './limits.ts'
import { encodeManifests, headOf } from './manifest.ts'
import {
  authoritiesPem,
  base64,
  currentLog,
  howToTellLogs,
  logKeyPem,
  logsWrittenTo,
  notesOfLogs,
  trustOf,
} from './trust.ts'

const engine = 'OpenShift'
const longestData = 8192
/** A node that cannot pull these cannot be upgraded. */
const release = 'quay.io/openshift-release-dev'

export const exportOpenshift: Exporter = (policy, context, cannot) => {
  refuseBundles(policy, engine, cannot)
  refuseForSignedBy(policy, engine, cannot)
  refuseWarning(policy, engine, cannot)
  refuseDenial(policy, engine, cannot)
  refuseOtherLogKeys(policy, context, engine, cannot)
  const documents = policy.rules.map((rule) => {
    const scopes = scopesOf(rule, engine, cannot)
    for (const scope of scopes)
      if (`${release}/`.startsWith(`${scope}/`))
        cannot(`rule ${rule.name}: ${scope} covers ${release}, without which no node can be upgraded`)
    const rootOfTrust = rootOfTrustOf(rule, context, cannot)
    return {
      apiVersion: 'config.openshift.io/v1',
      kind: 'ClusterImagePolicy',
      metadata: { name: `${policy.name}-${rule.name}` },
      spec: { scopes, policy: { rootOfTrust, signedIdentity: { matchPolicy: 'MatchRepository' } } },
    }
  })
  const notes = [...scopeNotes(policy, engine), ...notesOfLogs(policy, () => logsWrittenTo(context), engine)]
  const text = encodeManifests(headOf(policy, context, notes), documents)
  return { files: [{ name: 'openshift.yaml', text }], notes }
}

function rootOfTrustOf(rule: Rule, context: ExportContext, cannot: (sentence: string) => void): object {
  const keys = keysOf(rule)
  if (rule.signedBy.length > 1)
    cannot(
      `rule ${rule.name}: ${engine} reads one key or one identity, and the rule has ${rule.signedBy.length}; sign with one of them for it`,
    )
  const bounded = (text: string, what: string): string => {
    if (text.length > longestData)
      cannot(`rule ${rule.name}: ${engine} takes ${longestData} characters, and ${what} is longer`)
    return base64(text)
  }
  const rekorKey = (): string => {
    const { logs: tlogs } = logsWrittenTo(context)
    if (tlogs.length > 1)
      cannot(
        [
          `${engine} reads one key of a log, and the trusted root lists ${tlogs.length} of Rekor v1: signatures of the others would be refused`,
          ...howToTellLogs(context),
        ].join('; '),
      )
    return bounded(logKeyPem(currentLog({ tlogs })), 'the key of the log')
  }
  const [key] = keys
  if (key !== undefined)
    return {
      policyType: 'PublicKey',
      publicKey: {
        keyData: bounded(key.key, 'the key'),
        ...(rule.log === 'required' && { rekorKeyData: rekorKey() }),
      },
    }
  const [identity] = identitiesOf(rule)
  return {
    policyType: 'FulcioCAWithRekor',
    fulcioCAWithRekor: {
      fulcioCAData: bounded(authoritiesPem(trustOf(context).trustedRoot), 'the certificates of the CA'),
      rekorKeyData: rekorKey(),
      fulcioSubject: { oidcIssuer: identity?.issuer, signedEmail: identity?.identity },
    },
  }
}
