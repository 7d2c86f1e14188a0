/** The engines, by the names under which they are asked for. */
import { ImagePolicyError } from '../errors.ts'
import type { ImagePolicy } from '../policy.ts'
import { exportContainerd } from './containerd.ts'
import { exportContainers } from './containers.ts'
import type { ExportContext, Exported, Exporter } from './context.ts'
import { exportFlux } from './flux.ts'
import { exportGatekeeper } from './gatekeeper.ts'
import { exportKyverno } from './kyverno.ts'
import { exportKyvernoClusterPolicy } from './kyverno-cluster-policy.ts'
import { exportOpenshift } from './openshift.ts'
import { exportPolicyController } from './policy-controller.ts'

const exporters = {
  kyverno: exportKyverno,
  'kyverno-clusterpolicy': exportKyvernoClusterPolicy,
  'policy-controller': exportPolicyController,
  containers: exportContainers,
  flux: exportFlux,
  openshift: exportOpenshift,
  gatekeeper: exportGatekeeper,
  containerd: exportContainerd,
} as const satisfies Readonly<Record<string, Exporter>>

export type Engine = keyof typeof exporters
export const engines = Object.keys(exporters) as readonly Engine[]

/** Throws `not_expressible` with a sentence for each thing that the engine cannot say, or `incomplete`. */
export function exportPolicy(engine: Engine, policy: ImagePolicy, context: ExportContext): Exported {
  const reasons: string[] = []
  const exported = exporters[engine](policy, context, (sentence) => void reasons.push(sentence))
  if (reasons.length === 0) return exported
  throw new ImagePolicyError('not_expressible', `this policy cannot be exported for ${engine}`, {
    reasons: [...new Set(reasons)],
  })
}
