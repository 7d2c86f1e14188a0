/**
 * `npm run differential -- [ca] [rekor-v1] [rekor-v2] [tsa] [cosign]`: sends the same requests, good and bad, to our service and to upstream's own server, and
 * compares what comes back. Ends with status 1 when they differ in something that is not listed as known. A server that the machine
 * cannot have is named, and fails nothing. See docs/differential.md.
 *
 *   --json          everything that was found, as one JSON document
 *   --keep          leave the temporary folder
 *   --seconds N     of each server's turn in the measurements of rekor-v1 and tsa; 0 leaves it out
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { InteropError } from '../support/interop-error.ts'
import { openUserWorkshop } from '../support/workshop.ts'
import { compareCa } from './ca/compare.ts'
import { compareCosign } from './cosign/compare.ts'
import { compareRekor } from './rekor-v1/compare.ts'
import { compareRekorV2 } from './rekor-v2/compare.ts'
import { hasOpenDifferences, type Outcome, toJson, toText } from './report.ts'
import { compareTsa } from './tsa/compare.ts'

const dialects = {
  ca: compareCa,
  'rekor-v1': compareRekor,
  'rekor-v2': compareRekorV2,
  tsa: compareTsa,
  cosign: compareCosign,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '10' },
  },
})
const seconds = Number(values.seconds)
const unknown = positionals.filter((name) => !isDialect(name))
if (unknown.length > 0 || !(seconds >= 0 && seconds <= 600)) {
  process.stderr.write(
    unknown.length > 0
      ? `differential: no dialect ${unknown.join(', ')}; there are ${Object.keys(dialects).join(', ')}\n`
      : 'differential: --seconds takes a number from 0 to 600\n',
  )
  process.exit(2)
}
const wanted = positionals.length === 0 ? Object.keys(dialects) : positionals

/** The first one lets the servers be stopped, the second one does not. */
const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort())
const onProgress = (message: string): void => void process.stderr.write(`differential: ${message}\n`)
const workshop = await openUserWorkshop(onProgress)
const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-differential-'))
try {
  const outcomes: Outcome[] = []
  for (const name of wanted.filter(isDialect)) {
    const outcome = await compare(name)
    outcomes.push(outcome)
    if (!values.json) process.stdout.write(toText(outcome))
  }
  if (values.json) process.stdout.write(`${JSON.stringify(outcomes.map(toJson), null, 2)}\n`)
  if (outcomes.some(hasOpenDifferences)) process.exitCode = 1
} catch (error) {
  if (!interruption.signal.aborted) throw error
  onProgress('interrupted')
  process.exitCode = 130
} finally {
  if (values.keep) onProgress(`everything is left in ${folder}`)
  else await rm(folder, { recursive: true, force: true })
}

function isDialect(name: string): name is keyof typeof dialects {
  return Object.hasOwn(dialects, name)
}

async function compare(dialect: keyof typeof dialects): Promise<Outcome> {
  const own = path.join(folder, dialect)
  await mkdir(own)
  try {
    return await dialects[dialect]({
      workshop,
      folder: own,
      onProgress,
      seconds,
      signal: interruption.signal,
    })
  } catch (error) {
    if (!(error instanceof InteropError) || error.code !== 'missing') throw error
    return { dialect, skipped: `this machine has no upstream server: ${error.message}` }
  }
}
