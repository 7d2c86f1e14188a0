/**
 * Imported by tests that are about something else than key files: those that are made from here on, in this process and in programs
 * that it starts, have few rounds and open at once. Loads nothing else, since it stands before each of those programs.
 */
import { stretching } from '../../src/stretching.ts'

const { BUNDLED_PROGRAMS: bundled } = process.env
const theirs =
  bundled && ((await import(`${bundled}/stretching.js`)) as { stretching: typeof stretching }).stretching
for (const each of [stretching, ...(theirs ? [theirs] : [])]) each.rounds = 1_000

const option = `--import=${import.meta.url}`
const options = process.env.NODE_OPTIONS ?? ''
if (!options.includes(option)) process.env.NODE_OPTIONS = `${options} ${option}`.trim()
