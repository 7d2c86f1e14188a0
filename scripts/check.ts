/** `npm run check`: format, lint and types. Runs all of them, so that one run tells everything. */
import { spawnSync } from 'node:child_process'

const checks: readonly (readonly [string, ...string[]])[] = [
  ['biome', 'check', '--error-on-warnings', '.'],
  ['oxlint', '--type-aware', '--deny-warnings'],
  ['tsc', '-b'],
]

let failed = 0
for (const [command, ...args] of checks) {
  process.stdout.write(`\n> ${command} ${args.join(' ')}\n`)
  if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0) failed++
}
process.exitCode = failed === 0 ? 0 : 1
