/**
 * `npm run faults`: does to the system what the scenarios say, under load, with an outside checker (docs/faults.md). Ends with status 1
 * when an answered entry is lost, when two roots exist for one size, when an old proof no longer holds, or when a client sees what it
 * must not; data, logs and evidence of such a run are kept.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { inParallel } from '@sigstack/oci'
import { createRandom } from '../support/random.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'
import { noAnswer } from './writers.ts'

const usage = `npm run faults -- [SCENARIO...] [--kills 50] [--seed N] [--writers 16] [--rate 200] [--at-once 1] [--json]

${scenarios.map(({ name, title }) => `  ${name.padEnd(18)} ${title}`).join('\n')}

  --kills    how often the fault of each scenario is inflicted
  --seed     decides what is hit and when; drawn and printed when left out
  --writers  clients at once
  --rate     entries a second, of all clients together
  --at-once  scenarios side by side, each with a system of its own: most of a fault is waiting
  --json     one line of JSON for each scenario instead of text
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    writers: { type: 'string', default: '16' },
    rate: { type: 'string', default: '200' },
    'at-once': { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
/** A client had no answer for as long as it waits, which is recorded in the folder. */
let wasSilent = false
const numbers = {
  times: Number(values.kills),
  writers: Number(values.writers),
  rate: Number(values.rate),
  atOnce: Number(values['at-once']),
}
const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name))
const bad = Object.values(numbers).some((value) => !(value >= 1)) || !Number.isInteger(seed)

if (values.help) {
  process.stdout.write(usage)
} else if (unknown.length > 0 || bad) {
  process.stderr.write(
    `${unknown.length > 0 ? `there is no scenario ${unknown.join(', ')}` : 'a number is none'}\n\n${usage}`,
  )
  process.exitCode = 2
} else {
  const chosen = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-faults-'))
  say(`seed ${seed}`)
  let failed = false
  await inParallel(chosen, numbers.atOnce, async (scenario) => {
    failed = !(await run(scenario, path.join(folder, scenario.name))) || failed
  })
  // What explains a silence is worth more than the room that it takes.
  if (!failed && !wasSilent) await rm(folder, { recursive: true, force: true })
  process.exitCode = failed ? 1 : 0
}

/** True unless something was found. */
async function run(scenario: Scenario, folder: string): Promise<boolean> {
  const { name, title } = scenario
  const tell = (line: string) => say(`${name}: ${line}`)
  tell(title)
  const began = performance.now()
  const { times, writers, rate } = numbers
  try {
    const outcome = await scenario.run({
      folder,
      times,
      writers,
      entriesPerSecond: rate,
      random: createRandom(seed),
      onProgress: tell,
    })
    const seconds = Math.round((performance.now() - began) / 1000)
    wasSilent ||= !('skipped' in outcome) && (outcome.survived[noAnswer] ?? 0) > 0
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ scenario: name, seed, seconds, ...outcome })}\n`)
    } else if ('skipped' in outcome) {
      tell(`SKIPPED: ${outcome.skipped}`)
    } else {
      tell(
        `${outcome.times} times in ${seconds} s: ${outcome.answered} answered entries all there and proved, ${outcome.entries} in the log, ` +
          `each once, ${outcome.treeHeads} tree heads consistent; inflicted ${JSON.stringify(outcome.seen)}; survived ${JSON.stringify(outcome.survived)}`,
      )
    }
    return true
  } catch (error) {
    process.stderr.write(
      `${name} FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n` +
        `data, logs and answers are in ${folder}; again: npm run faults -- ${name} --seed ${seed} --kills ${times}\n`,
    )
    return false
  }
}

function say(line: string): void {
  if (!values.json) process.stdout.write(`${line}\n`)
}
