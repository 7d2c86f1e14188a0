/**
 * What nodes of OpenShift make of a ClusterImagePolicy: its operator writes a `policy.json` and a file of `registries.d`, and
 * containers/image judges by them. The operator is not to be had as a module, so its translation is written anew here.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { memberAt } from '@sigstack/crypto'
import { documentsIn, isOfKind } from './exported-documents.ts'
import type { Judge } from './policy-judges.ts'

export function judgeByOpenshift(judgeByContainers: Judge): Judge {
  return async (session, folder, image) => {
    const policies = (await documentsIn(path.join(folder, 'openshift.yaml'))).filter(
      isOfKind('ClusterImagePolicy'),
    )
    const byScope = policies.flatMap((policy) => {
      const scopes = memberAt(policy, 'spec', 'scopes')
      const requirement = requirementOf(memberAt(policy, 'spec', 'policy'))
      return Array.isArray(scopes) ? scopes.map((scope) => [String(scope), [requirement]] as const) : []
    })
    const document = {
      default: [{ type: 'insecureAcceptAnything' }],
      transports: { atomic: Object.fromEntries(byScope), docker: Object.fromEntries(byScope) },
    }
    await writeFile(path.join(folder, 'policy.json'), JSON.stringify(document))
    const attachments = byScope.map(([scope]) => [scope, { 'use-sigstore-attachments': true }])
    await mkdir(path.join(folder, 'registries.d'), { recursive: true })
    await writeFile(
      path.join(folder, 'registries.d/sigstore-registries.yaml'),
      JSON.stringify({ docker: Object.fromEntries(attachments) }),
    )
    await judgeByContainers(session, folder, image)
  }
}

/** A member that the API has and this does not know would be dropped: so the kinds are told apart, and each is read whole. */
function requirementOf(policy: unknown): object {
  const kind = memberAt(policy, 'rootOfTrust', 'policyType')
  const match = memberAt(policy, 'signedIdentity', 'matchPolicy')
  const signedIdentity = { type: String(match).replace(/^./, (first) => first.toLowerCase()) }
  const common = { type: 'sigstoreSigned', signedIdentity }
  const read = (...names: readonly string[]) => memberAt(policy, 'rootOfTrust', ...names)
  if (kind === 'PublicKey') {
    const rekorPublicKeyData = read('publicKey', 'rekorKeyData')
    return { ...common, keyData: read('publicKey', 'keyData'), rekorPublicKeyData }
  }
  if (kind !== 'FulcioCAWithRekor') throw new Error(`OpenShift knows no root of trust ${String(kind)}`)
  const fulcio = {
    caData: read('fulcioCAWithRekor', 'fulcioCAData'),
    oidcIssuer: read('fulcioCAWithRekor', 'fulcioSubject', 'oidcIssuer'),
    subjectEmail: read('fulcioCAWithRekor', 'fulcioSubject', 'signedEmail'),
  }
  return { ...common, fulcio, rekorPublicKeyData: read('fulcioCAWithRekor', 'rekorKeyData') }
}
