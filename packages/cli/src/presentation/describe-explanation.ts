import { escaped, quoted } from '@sigstack/crypto'
import type { Explanation } from '@sigstack/stack/explain-token'
import type { Explained } from '../commands/ca-explain.ts'

const longestLine = 8192

/** For people: the decision first, then what it is made of. */
export function describeExplanation(explanation: Explained): string {
  const { sources, permitted, refusals, tokenIssuer, issuer, policy, certificate } = explanation
  const lines = [permitted ? 'The CA would issue this certificate.' : 'The CA would refuse this token.']
  for (const { code, message } of refusals) lines.push(`  ${code}: ${message}`)
  lines.push('Key and signature of the token were not checked.')
  lines.push(
    '',
    'Configuration',
    ...rows(
      (
        [
          ['issuers', sources.configFile],
          ['policies', sources.policyFile],
          ['trial issuer', sources.trialIssuer],
        ] as const
      ).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
    ),
  )
  const believed =
    issuer === undefined
      ? []
      : ([
          ['configured as', `${issuer.url}${issuer.isPattern ? ' (pattern)' : ''}`],
          ['type', issuer.ciProvider === undefined ? issuer.type : `${issuer.type}, ${issuer.ciProvider}`],
          ['audience', issuer.audience],
        ] as const)
  lines.push('', 'Issuer', ...rows([['iss of the token', tokenIssuer ?? 'none'], ...believed]))
  if (issuer !== undefined) lines.push('', 'Policy', ...rows([['rule', describeRule(policy)]]))
  if (certificate !== undefined) {
    const { subjectAlternativeName: san, extensions, proofOver } = certificate
    lines.push(
      '',
      'Certificate',
      ...rows([
        ['SAN', `${san.type}: ${san.value}`],
        ...extensions.map(({ oid, name, value }) => [`${oid} ${name}`, value] as const),
      ]),
      '',
      `The proof of possession covers ${proofOver.map((text) => quoted(text)).join(' or ')}.`,
    )
  }
  // Claims are somebody else's text, which may bring lines of its own.
  return `${lines.map((line) => escaped(line, longestLine)).join('\n')}\n`
}

function describeRule(policy: Explanation['policy']): string {
  if (policy === undefined) return 'none configured: everybody of this issuer is permitted'
  if (policy.rule !== undefined) return `${policy.rule} (${policy.allowed ? 'allows' : 'denies'})`
  return policy.allowed
    ? 'no rule denies it'
    : `none that allows matches; there are ${policy.rules.join(', ')}`
}

function rows(entries: readonly (readonly [name: string, value: string])[]): readonly string[] {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
}
