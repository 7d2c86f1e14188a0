export type ServiceLine = { readonly name: string; readonly url: string }

const about: Readonly<Record<string, string>> = {
  ca: 'certificate authority (Fulcio API)',
  rekor: 'transparency log (Rekor API)',
  log: 'transparency log (Rekor API)',
  ct: 'certificate transparency log',
  'oidc-proxy': 'keys of the configured token issuers',
  trust: 'trusted root and signing config',
  'dev-issuer': 'TRIAL token issuer: anyone can be anyone',
}

/** One line a service: name, URL, what it is. */
export function serviceTable(services: readonly ServiceLine[]): string {
  const rows = [['SERVICE', 'URL', ''], ...services.map(({ name, url }) => [name, url, about[name] ?? ''])]
  const widthOf = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  const widths = [widthOf(0), widthOf(1)]
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}
