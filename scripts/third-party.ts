/**
 * `npm run third-party`: writes THIRD-PARTY.md, every dependency that ships with its licence. `--check` writes nothing and ends with 1
 * where the file is not what is installed, or a licence is not on the short list.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const file = 'THIRD-PARTY.md'

/** What may ship without further thought: each asks for its notice, and for nothing of ours. */
const permitted = new Set([
  '0BSD',
  'Apache-2.0',
  '(Apache-2.0 AND BSD-3-Clause)',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
])

/** Looked at one by one. */
const exceptions: Readonly<Record<string, { readonly licence: string; readonly why: string }>> = {
  openpgp: {
    licence: 'LGPL-3.0+',
    why: 'an unmodified package of its own, loaded by the kinds of entry that need it, and replaceable by whoever runs this',
  },
}

type Package = { readonly name: string; readonly versions: readonly string[]; readonly license: string }

const packages = readPackages()
const complaints = packages
  .filter(({ name, license }) => !permitted.has(license) && exceptions[name]?.licence !== license)
  .map(
    ({ name, license }) => `${name} is under ${license}, which is not on the list in scripts/third-party.ts`,
  )
const text = describe(packages)
if (process.argv.includes('--check')) {
  if (readIfThere() !== text) complaints.push(`${file} is not what is installed: run npm run third-party`)
} else {
  writeFileSync(file, text)
}
for (const complaint of complaints) process.stderr.write(`${complaint}\n`)
process.exitCode = complaints.length === 0 ? 0 : 1

/** Packages for one platform are named once for all, since each machine has its own. */
function readPackages(): readonly Package[] {
  const { status, stdout } = spawnSync('pnpm', ['licenses', 'list', '--prod', '--recursive', '--json'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error('pnpm could not list the licences')
  const byLicence = JSON.parse(stdout) as Readonly<Record<string, readonly Package[]>>
  const byName = new Map<string, Package>()
  for (const each of Object.values(byLicence).flat()) {
    const name = each.name.replace(/(linux|darwin|win32)-(x64|arm64).*$/, '*')
    byName.set(name, { ...each, name })
  }
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function describe(all: readonly Package[]): string {
  const rows = all.map(({ name, versions, license }) => `- ${name} ${versions.join(', ')}: ${license}`)
  const reasons = Object.entries(exceptions).map(
    ([name, { licence, why }]) => `- ${name}, ${licence}: ${why}`,
  )
  return `# Third-party software

What is installed to run sigstack, with its licence, as each package states it. Made by \`npm run third-party\`; the licence
texts lie in the packages. The embedded PostgreSQL is under the PostgreSQL licence, inside a package under the one that is named here.

${rows.join('\n')}

Not under a permissive licence:

${reasons.join('\n')}
`
}

function readIfThere(): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
