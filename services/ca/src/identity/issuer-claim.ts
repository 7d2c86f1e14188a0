/** The JSONPath of `issuer-claim`, as far as it names one value: `$.federated_claims.connector_id`, `$['a'][0]`. */

const step = /\.([A-Za-z_][A-Za-z0-9_-]*)|\[(?:'([^']*)'|"([^"]*)"|([0-9]{1,6}))\]/y

export function parseIssuerClaim(path: string): readonly (string | number)[] {
  const complaint = new Error(`the issuer-claim ${path} must look like $.federated_claims.connector_id`)
  if (!path.startsWith('$') || path.length > 1024) throw complaint
  const steps: (string | number)[] = []
  step.lastIndex = 1
  while (step.lastIndex < path.length) {
    const found = step.exec(path)
    if (found === null) throw complaint
    const [, dotted, single, double, index] = found
    steps.push(index === undefined ? (dotted ?? single ?? double ?? '') : Number(index))
  }
  if (steps.length === 0) throw complaint
  return steps
}
