/**
 * Imported by tests that are about something else than key files: those that are made from here on, in this process and in programs
 * that it starts, have few rounds and open at once. Loads nothing else, since it stands before each of those programs.
 */
import { stretching } from '../../src/stretching.ts'

stretching.rounds = 1_000

const option = `--import=${import.meta.url}`
const options = process.env.NODE_OPTIONS ?? ''
if (!options.includes(option)) process.env.NODE_OPTIONS = `${options} ${option}`.trim()
