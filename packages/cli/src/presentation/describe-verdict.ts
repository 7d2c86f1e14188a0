/** What a policy makes of an image, for people. */
import { escaped } from '@sigstack/crypto'
import type { ImagePolicy } from '@sigstack/image-policy'
import type { TestedImage } from '../images/decide.ts'

const mostText = 2000

export function describeVerdict(tested: TestedImage, policy: ImagePolicy): string {
  const head = `${escaped(tested.image, mostText)}: ${tested.verdict}`
  if (tested.verdict === 'unknown') return `${head}\n  ${escaped(tested.reason, mostText)}\n`
  const { rules } = tested
  if (rules.length === 0)
    return `${head}\n  no rule of ${policy.name} covers it (otherwise: ${policy.otherwise})\n`
  const lines = rules.flatMap(({ rule, holds, signedBy, reasons, warnings }) => [
    holds ? `rule ${rule} holds: signed by ${signedBy.join(', ')}` : `rule ${rule} does not hold:`,
    ...reasons.map((reason) => `  ${reason}`),
    ...warnings.map((warning) => `  WARNING: ${warning}`),
  ])
  const digest = tested.image.includes('@') ? '' : ` (${tested.digest})`
  return `${head}${digest}\n${lines.map((line) => `  ${escaped(line, mostText)}\n`).join('')}`
}
