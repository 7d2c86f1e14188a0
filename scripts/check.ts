/**
 * `npm run check`: format, lint, types, and the licences of what ships. All of them run, side by side, so that one run tells
 * everything and takes as long as the longest; what each says comes in one piece. Lint and types are one program, which reads every
 * source once.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const checks: readonly (readonly [string, ...string[]])[] = [
  // The longest comes first.
  ['oxlint', '--type-aware', '--type-check', '--deny-warnings'],
  ['biome', 'check', '--error-on-warnings', '.'],
  ['node', 'scripts/third-party.ts', '--check'],
]

const passed = await Promise.all(checks.map(run))
process.exitCode = passed.every(Boolean) ? 0 : 1

async function run([command, ...args]: readonly [string, ...string[]]): Promise<boolean> {
  const began = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => said.push(part))
  const [status] = await once(child, 'close')
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  process.stdout.write(
    `\n> ${[command, ...args].join(' ')} (${seconds} s)\n${Buffer.concat(said).toString()}`,
  )
  return status === 0
}
