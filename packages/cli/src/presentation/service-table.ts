const about: Readonly<Record<string, string>> = {
  console: 'pages for people: search, proofs, trust, health',
  ca: 'certificate authority (Fulcio API)',
  rekor: 'transparency log (Rekor API)',
  'rekor-v2': 'transparency log (Rekor v2 API)',
  ct: 'certificate transparency log',
  tsa: 'timestamp authority (RFC 3161)',
  witness: 'witness of the logs (C2SP)',
  monitor: 'follows the logs, and keeps what is wrong as alarms',
  'oidc-proxy': 'keys of the configured token issuers',
  trust: 'trusted root and signing config',
  'dev-issuer': 'TRIAL token issuer: anyone can be anyone',
}

const withoutDocs = new Set(['console', 'dev-issuer'])

/** One line a service: name, URL, what it is. */
export function serviceTable(services: Readonly<Record<string, string>>): string {
  const rows = [
    ['SERVICE', 'URL', ''],
    ...Object.entries(services).map(([name, url]) => [name, url, about[name] ?? '']),
  ]
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lineOf = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  const table = rows.map((row) => `  ${lineOf(row).trimEnd()}\n`).join('')
  const [described] = Object.entries(services).filter(([name]) => name in about && !withoutDocs.has(name))
  return described === undefined
    ? table
    : `${table}  Each but the console and a trial issuer shows its interface at /docs, as ${described[1]}/docs\n`
}
